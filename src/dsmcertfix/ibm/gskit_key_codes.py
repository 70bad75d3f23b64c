"""The return codes of GSKit's key management: of `gsk8capicmd` and of opening a key database. Data only.

A line is a code, the kind of advice (`return_codes`), the name without `GSKKM_`, and
what it means. Codes and names are those that `GSKKM_strerror` of GSKit 8.0.60.5 tells.
"""

KEY_CODES = """\
0 - OK success
1 i ERR_UNKNOWN an error that has no name
2 c ERR_ASN the data could not be decoded (ASN.1)
3 i ERR_ASN_INITIALIZATION the decoder could not be initialised
4 i ERR_ASN_PARAMETER a parameter of the decoder is not valid
5 k ERR_DATABASE an error of the key database
6 k ERR_DATABASE_OPEN the key database could not be opened
7 k ERR_DATABASE_RE_OPEN the key database could not be opened again
8 a ERR_DATABASE_CREATE the key database could not be made
9 x ERR_DATABASE_ALREADY_EXISTS the key database exists already
10 a ERR_DATABASE_DELETE the key database could not be deleted
11 k ERR_DATABASE_NOT_OPENED the key database is not open
12 k ERR_DATABASE_READ the key database could not be read
13 a ERR_DATABASE_WRITE the key database could not be written
14 k ERR_DATABASE_VALIDATION the key database is not valid
15 k ERR_DATABASE_INVALID_VERSION the version of the key database is not valid
16 k ERR_DATABASE_INVALID_PASSWORD the password does not fit the key database
17 k ERR_DATABASE_INVALID_FILE_TYPE the file is no key database of that kind
18 k ERR_DATABASE_CORRUPTION the key database is damaged
19 k ERR_DATABASE_PASSWORD_CORRUPTION the password of the key database is damaged
20 k ERR_DATABASE_KEY_INTEGRITY a key of the key database has lost its integrity
21 d ERR_DATABASE_DUPLICATE_KEY the key is in the key database already
22 d ERR_DATABASE_DUPLICATE_KEY_RECORD_ID the record id is in the key database already
23 d ERR_DATABASE_DUPLICATE_KEY_LABEL the label of the key is in the key database already
24 d ERR_DATABASE_DUPLICATE_KEY_SIGNATURE the signature is in the key database already
25 d ERR_DATABASE_DUPLICATE_KEY_UNSIGNED_CERTIFICATE the unsigned certificate is in the key database already
26 d ERR_DATABASE_DUPLICATE_KEY_ISSUER_AND_SERIAL_NUMBER issuer and serial number are there already
27 d ERR_DATABASE_DUPLICATE_KEY_SUBJECT_PUBLIC_KEY_INFO the public key is in the key database already
28 d ERR_DATABASE_DUPLICATE_KEY_UNSIGNED_CRL the unsigned revocation list is in the key database already
29 d ERR_DATABASE_DUPLICATE_LABEL the label is in the key database already
30 k ERR_DATABASE_PASSWORD_ENCRYPTION the password could not be encrypted
31 r ERR_DATABASE_LDAP the LDAP directory could not be used
32 i ERR_CRYPTO an operation of the cryptographic library failed
33 i ERR_CRYPTO_ENGINE the engine of the cryptographic library failed
34 p ERR_CRYPTO_ALGORITHM an algorithm is not valid
35 i ERR_CRYPTO_SIGN a signature could not be made
36 v ERR_CRYPTO_VERIFY a signature does not fit
37 i ERR_CRYPTO_DIGEST a digest could not be made
38 i ERR_CRYPTO_PARAMETER a parameter of the cryptographic library is not valid
39 p ERR_CRYPTO_UNSUPPORTED_ALGORITHM an algorithm is not supported
40 i ERR_CRYPTO_INPUT_GREATER_THAN_MODULUS the data is larger than the modulus of the key
41 p ERR_CRYPTO_UNSUPPORTED_MODULUS_SIZE the size of the modulus is not supported
42 v ERR_VALIDATION the validation failed
43 v ERR_VALIDATION_KEY the certificate is not valid
44 v ERR_VALIDATION_DUPLICATE_EXTENSIONS an extension comes twice
45 v ERR_VALIDATION_KEY_WRONG_VERSION the version of the certificate is wrong
46 v ERR_VALIDATION_KEY_EXTENSIONS_REQUIRED extensions that are required are missing
47 t ERR_VALIDATION_KEY_VALIDITY the certificate is not valid at this time
48 t ERR_VALIDATION_KEY_VALIDITY_PERIOD the certificate's period is not valid
49 t ERR_VALIDATION_KEY_VALIDITY_PRIVATE_KEY_USAGE the period of the private key is not valid
50 v ERR_VALIDATION_KEY_ISSUER_NOT_FOUND the issuer of the certificate is not in the key database
51 v ERR_VALIDATION_KEY_MISSING_REQUIRED_EXTENSIONS required extensions of the certificate are missing
52 v ERR_VALIDATION_KEY_BASIC_CONSTRAINTS the basic constraints are not right
53 v ERR_VALIDATION_KEY_SIGNATURE the signature of the certificate does not fit
54 v ERR_VALIDATION_KEY_ROOT_KEY_NOT_TRUSTED the root of the chain is not trusted
55 r ERR_VALIDATION_KEY_IS_REVOKED the certificate is revoked
56 v ERR_VALIDATION_KEY_AUTHORITY_KEY_IDENTIFIER the authority key identifier is not right
57 t ERR_VALIDATION_KEY_PRIVATE_KEY_USAGE_PERIOD the period in which the private key may be used is not right
58 v ERR_VALIDATION_SUBJECT_ALTERNATIVE_NAME the alternative name of the subject is not right
59 v ERR_VALIDATION_ISSUER_ALTERNATIVE_NAME the alternative name of the issuer is not right
60 v ERR_VALIDATION_KEY_USAGE the key usage does not allow this
61 v ERR_VALIDATION_KEY_UNKNOWN_CRITICAL_EXTENSION a critical extension is not known
62 s ERR_VALIDATION_KEY_PAIR private key and certificate do not belong together
63 r ERR_VALIDATION_CRL the revocation list is not valid
64 i ERR_MUTEX a lock inside the program failed
65 i ERR_PARAMETER a parameter is not valid
66 i ERR_NULL_PARAMETER a parameter is missing
67 i ERR_NUMBER_SIZE the size of a number is not right
68 k ERR_OLD_PASSWORD the old password is wrong
69 x ERR_NEW_PASSWORD the new password is not acceptable
70 x ERR_PASSWORD_EXPIRATION_TIME the time until the password expires is not right
71 i ERR_THREAD a thread failed
72 i ERR_THREAD_CREATE a thread could not be made
73 i ERR_THREAD_WAIT_FOR_EXIT the end of a thread could not be waited for
74 a ERR_IO input or output failed
75 g ERR_LOAD a library could not be loaded
76 h ERR_PKCS11 the PKCS #11 token could not be used
77 i ERR_NOT_INITIALIZED GSKit was not initialised
78 k ERR_DB_TABLE_CORRUPTED a table of the key database is damaged
79 m ERR_MEMORY_ALLOCATE there is not enough memory
80 x ERR_UNSUPPORTED_OPTION an option is not supported
81 i ERR_GET_TIME the time could not be had
82 i ERR_CREATE_MUTEX a lock could not be made
83 g ERR_CMDCAT_OPEN the catalogue of commands could not be opened
84 g ERR_ERRCAT_OPEN the catalogue of messages could not be opened
85 x ERR_FILENAME_NULL no file name was given
86 a ERR_FILE_OPEN a file could not be opened
87 a ERR_FILE_OPEN_TO_READ a file could not be opened for reading
88 a ERR_FILE_OPEN_TO_WRITE a file could not be opened for writing
89 x ERR_FILE_OPEN_NOT_EXIST the file does not exist
90 a ERR_FILE_OPEN_NOT_ALLOWED the file may not be opened
91 a ERR_FILE_WRITE the file could not be written
92 a ERR_FILE_REMOVE the file could not be removed
93 c ERR_BASE64_INVALID_DATA the text is no base64
94 c ERR_BASE64_INVALID_MSGTYPE the text is not the kind of base64 that was expected
95 i ERR_BASE64_ENCODING the base64 could not be made
96 c ERR_BASE64_DECODING the base64 could not be read
97 x ERR_DN_TAG_NULL a part of the name has no tag
98 x ERR_DN_CN_NULL the name has no common name
99 x ERR_DN_C_NULL the name has no country
100 i ERR_INVALID_DB_HANDLE the handle of the key database is not valid
101 k ERR_KEYDB_NOT_EXIST the key database does not exist
102 k ERR_KEYPAIRDB_NOT_EXIST the key database with the key pairs does not exist
103 k ERR_PWDFILE_NOT_EXIST the password file does not exist
104 x ERR_PASSWORD_CHANGE_MATCH the two passwords differ
105 k ERR_KEYDB_NULL there is no key database
106 k ERR_REQKEYDB_NULL there is no key database of requests
107 k ERR_KEYDB_TRUSTCA_NULL there is no trusted CA in the key database
108 s ERR_REQKEY_FOR_CERT_NULL there is no request to the certificate
109 s ERR_KEYDB_PRIVATE_KEY_NULL there is no private key in the key database
110 s ERR_KEYDB_DEFAULT_KEY_NULL there is no default key in the key database
111 s ERR_KEYREC_PRIVATE_KEY_NULL the record has no private key
112 s ERR_KEYREC_CERTIFICATE_NULL the record has no certificate
113 r ERR_CRLS_NULL there is no revocation list
114 x ERR_INVALID_KEYDB_NAME the name of the key database is not valid
115 i ERR_UNDEFINED_KEY_TYPE the kind of key is not known
116 x ERR_INVALID_DN_INPUT the name that was given is not valid
117 l ERR_KEY_GET_BY_LABEL no certificate with that label
118 k ERR_LABEL_LIST_CORRUPT the list of labels is damaged
119 c ERR_INVALID_PKCS12_DATA the PKCS #12 file is not valid
120 x ERR_PKCS12_PWD_CORRUPTION the password of the PKCS #12 file is wrong, or the file is damaged
121 x ERR_EXPORT_TYPE the kind of export is not known
122 p ERR_PBE_ALG_UNSUPPORT the encryption of the file is not supported
123 i ERR_KYR2KDB the conversion from a key ring failed
124 i ERR_KDB2KYR the conversion to a key ring failed
125 i ERR_ISSUING_CERTIFICATE a certificate could not be issued
126 v ERR_FIND_ISSUER_CHAIN no chain to an issuer was found
127 c ERR_WEBDB_DATA_BAD_FORMAT the data has a bad format
128 i ERR_WEBDB_NOTHING_TO_WRITE there is nothing to write
129 x ERR_EXPIRE_DAYS_TOO_LARGE the number of days until it expires is too large
130 x ERR_PWD_TOO_SHORT the password is too short
131 x ERR_PWD_NO_NUMBER the password has no digit
132 x ERR_PWD_NO_CONTROL_KEY the password lacks a kind of character that it must have
133 p ERR_SIGNATURE_ALGORITHM the signature algorithm is not right
134 k ERR_INVALID_DATABASE_TYPE the type of the key database is not right
135 h ERR_SECONDARY_KEYDB_TO_OTHER the secondary key database cannot be this one
136 h ERR_NO_SECONDARY_KEYDB there is no secondary key database
137 h ERR_CRYPTOGRAPHIC_TOKEN_LABEL_NOT_EXIST no token has that label
138 h ERR_CRYPTOGRAPHIC_TOKEN_PASSWORD_REQUIRED the token needs a password
139 h ERR_CRYPTOGRAPHIC_TOKEN_PASSWORD_NOT_REQUIRED the token takes no password
140 h ERR_CRYPTOGRAPHIC_TOKEN_LIBRARY_NOT_LOADED the library of the token is not loaded
141 h ERR_CRYPTOGRAPHIC_TOKEN_NOT_SUPPORT the token is not supported
142 h ERR_CRYPTOGRAPHIC_TOKEN_FUNCTION_FAILED a function of the token failed
143 r ERR_LDAP_USER_NOT_FOUND the LDAP directory knows no such user
144 r ERR_LDAP_INVALID_PASSWORD the LDAP directory refused the password
145 r ERR_LDAP_QUERY_ENTRY_FAILED the LDAP directory could not be asked
146 v ERR_INVALID_CERT_CHAIN the chain is not valid: what signed the certificate is not in the key database
147 v ERR_CERT_ROOT_NOT_TRUSTED the root of the certificate is not trusted
148 r ERR_CERT_REVOKED the certificate is revoked
149 h ERR_CRYPTOGRAPHIC_OBJECT_FUNCTION_FAILED a function of the token's object failed
150 r ERR_NO_AVAILABLE_CRL_DATASOURCE no source of revocation lists can be reached
151 h ERR_NO_TOKEN_PRESENT the token is not there
152 p ERR_FIPS_NOT_SUPPORTED FIPS mode is not supported here
153 p ERR_FIPS_CONFLICT_SETTING FIPS mode and another setting contradict each other
154 x ERR_PASSWORD_STRENGTH_FAILED the password is not strong enough
155 b ERR_DATABASE_BUSY another program is using the key database
156 v ERR_PATHLENGTH_WITH_NONCA a path length stands in a certificate that is no CA's
157 r ERR_UNRECOGNIZED_DISTRIBUTION_POINT a distribution point of revocation lists is not known
158 v ERR_NAME_CHAINING_FAILED the names of the chain do not follow from each other
159 v ERR_CERT_NOT_IN_CHAIN the certificate is not in the chain
160 v ERR_VER_EXCLUDES_CRIT_EXTNS the version allows no critical extensions
161 r ERR_MISSING_ISSUING_DIST_POINT_NAME the name of the distribution point that issued a list is missing
162 r ERR_DIST_PTS_DONT_MATCH the distribution points do not match
163 v ERR_NULL_CA_SUBJECT a CA has no subject
164 v ERR_NAMES_DONT_CHAIN the names do not follow from each other
165 v ERR_MISSING_SUBJECTALTNAME an alternative name of the subject is missing
166 v ERR_UNIQUEID_MISMATCH the unique ids do not match
167 v ERR_NAME_NOT_PERMITTED a name is not among those that a CA permits
168 v ERR_NAME_EXCLUDED a name is among those that a CA excludes
169 v ERR_NAME_CONSTRAINTS_NOT_CRITICAL the name constraints are not critical
170 v ERR_NAME_CONSTRAINTS_MIN_NOT_ZERO a name constraint has a smallest distance other than zero
171 v ERR_NAME_CONSTRAINTS_MAX_PRESENT a name constraint has a largest distance
172 v ERR_UNSUPPORTED_NAME_CONSTRAINT a name constraint is not supported
173 v ERR_EMPTY_POLICY_CONSTRAINTS the policy constraints are empty
174 v ERR_BAD_CERT_POLICIES the certificate's policies are bad
175 v ERR_CERT_POLICIES_NOT_ACCEPTABLE the certificate's policies are not acceptable
176 v ERR_BAD_ACCEPTABLE_POLICIES the acceptable policies are bad
177 v ERR_POLICY_MAPPINGS_CRITICAL the policy mappings are critical
"""
