"""The return codes of GSKit's TLS and of its validation of certificates. Data only.

A line is a code, the kind of advice (`return_codes`), the name (GSK_ goes before it, GSKVAL_ stands), and
what it means. Codes and names are those that `gsk_strerror` of GSKit 8.0.60.5 tells.
"""

SESSION_CODES = """\
0 - OK success
1 i INVALID_HANDLE a handle that is not valid was used
2 i API_NOT_AVAILABLE the GSKit library is too old for the function that was called
3 i INTERNAL_ERROR an error inside GSKit
4 m INSUFFICIENT_STORAGE there is not enough memory
5 i INVALID_STATE a function was called in a state in which it cannot be
6 l KEY_LABEL_NOT_FOUND no certificate with that label
7 c CERTIFICATE_NOT_AVAILABLE the other side sent no certificate
8 v ERROR_CERT_VALIDATION the certificate could not be validated
9 i ERROR_CRYPTO an operation of the cryptographic library failed
10 c ERROR_ASN a certificate or a message could not be decoded (ASN.1)
11 r ERROR_LDAP the LDAP directory of revocation lists could not be used
12 i ERROR_UNKNOWN_ERROR an error that GSKit has no name for
13 i INVALID_PARAMETER a parameter is not valid
14 i ERROR_UNEXPECTED_INT_EXCEPTION an exception inside GSKit
15 i ERROR_NO_RESULT there is no result
101 i OPEN_CIPHER_ERROR the object for a cipher could not be opened
102 k KEYFILE_IO_ERROR the key database could not be read or written
103 k KEYFILE_INVALID_FORMAT the key database has a wrong format
104 d KEYFILE_DUPLICATE_KEY the key database holds the same key twice
105 d KEYFILE_DUPLICATE_LABEL the key database holds the same label twice
106 k BAD_FORMAT_OR_INVALID_PASSWORD the key database has a wrong format, or the password does not fit it
107 d KEYFILE_CERT_EXPIRED a certificate in the key database, or its password, has expired
108 g ERROR_LOAD_GSKLIB a library of GSKit could not be loaded
109 f PENDING_CLOSE_ERROR the session was closed while something was still waiting to be sent or read
201 k NO_KEYFILE_PASSWORD no password for the key database
202 k KEYRING_OPEN_ERROR the key database could not be opened
203 i RSA_TEMP_KEY_PAIR a temporary RSA key pair could not be made
204 r ERROR_LDAP_NO_SUCH_OBJECT the LDAP directory has no such object
205 r ERROR_LDAP_INVALID_CREDENTIALS the LDAP directory refused user or password
206 i ERROR_BAD_INDEX an index is not valid
207 p ERROR_FIPS_NOT_SUPPORTED FIPS mode is not supported here
208 i ERROR_TRACE_CALLBACK_SET a trace callback is set already
301 f CLOSE_FAILED the session could not be closed in order
302 n ERROR_TIMEOUT the other side did not answer in time
401 t ERROR_BAD_DATE the certificate has expired, or is not valid yet
402 p ERROR_NO_CIPHERS client and server have no cipher in common
403 c ERROR_NO_CERTIFICATE no certificate
404 c ERROR_BAD_CERTIFICATE the certificate that came is bad
405 c ERROR_UNSUPPORTED_CERTIFICATE_TYPE the type of the certificate is not supported
406 n ERROR_IO input or output failed during the TLS handshake
407 l ERROR_BAD_KEYFILE_LABEL the label of the key is wrong
408 k ERROR_BAD_KEYFILE_PASSWORD the password does not fit the key database
409 p ERROR_BAD_KEY_LEN_FOR_EXPORT the key is too long for an export cipher
410 n ERROR_BAD_MESSAGE a message came that is not formed as TLS wants it
411 n ERROR_BAD_MAC a message came whose check value is wrong
412 p ERROR_UNSUPPORTED something is not supported by the other side or by this level of GSKit
413 v ERROR_BAD_CERT_SIG the signature of the certificate is wrong
414 v ERROR_BAD_CERT the certificate that came is badly formed, or not trusted
415 n ERROR_BAD_PEER the other side does not speak the protocol
416 a ERROR_PERMISSION_DENIED access was refused
417 v ERROR_SELF_SIGNED the certificate is self-signed and not trusted
418 i ERROR_NO_READ_FUNCTION there is no function for reading
419 i ERROR_NO_WRITE_FUNCTION there is no function for writing
420 n ERROR_SOCKET_CLOSED the other side closed the connection during the handshake
421 p ERROR_BAD_V2_CIPHER a cipher for SSL 2 is not valid
422 p ERROR_BAD_V3_CIPHER a cipher for SSL 3 or TLS is not valid
423 i ERROR_BAD_SEC_TYPE the kind of security is not valid
424 i ERROR_BAD_SEC_TYPE_COMBINATION that combination of kinds of security is not valid
425 i ERROR_HANDLE_CREATION_FAILED a handle could not be made
426 g ERROR_INITIALIZATION_FAILED GSKit could not be initialised
427 r ERROR_LDAP_NOT_AVAILABLE the LDAP directory cannot be reached
428 s ERROR_NO_PRIVATE_KEY there is no private key to the certificate
429 h ERROR_PKCS11_LIBRARY_NOTLOADED the library for a PKCS #11 token could not be loaded
430 h ERROR_PKCS11_TOKEN_LABELMISMATH no PKCS #11 token has that label
431 h ERROR_PKCS11_TOKEN_NOTPRESENT the PKCS #11 token is not there
432 h ERROR_PKCS11_TOKEN_BADPASSWORD the password of the PKCS #11 token is wrong
433 n ERROR_INVALID_V2_HEADER the header of an SSL 2 message is not valid
434 h CSP_OPEN_ERROR the cryptographic service provider could not be opened
435 i CONFLICTING_ATTRIBUTE_SETTING two settings contradict each other
436 g UNSUPPORTED_PLATFORM this platform is not supported
437 i PEERID_NOT_SET_ERROR the identity of the other side was not set
438 i ERROR_INCORRECT_SESSION_TYPE the kind of session is not right
439 p ERROR_BAD_TLSV11_CIPHER a cipher for TLS 1.1 is not valid
440 h ERROR_PKCS11_DEVICE the PKCS #11 device failed
441 h ERROR_PKCS11_DEVICE_SEVERE the PKCS #11 device failed, and cannot be used any more
442 n ERROR_EMPTY_DATA_SEGMENT a segment without data came
443 p ERROR_NO_RI_INDICATION the other side does not support secure renegotiation
444 f ERROR_SEQNUM_EXHAUSTED all sequence numbers of the session are used up
445 f ERROR_BYTECOUNT_EXHAUSTED as many bytes were sent as one key is good for
446 n ERROR_OTHER_FATAL_ALERT the other side ended the handshake with a fatal alert
447 p ERROR_CERTIFICATE_INVALIDSIGALG the signature algorithm of a certificate is not allowed here
448 p ERROR_NO_APPLICATION_PROTOCOL there is no application protocol in common
449 p ERROR_NO_EXTENDEDMASTERSECRET_EXTENSION the extension extended_master_secret is missing
450 p ERROR_NO_ENCRYPTTHENMAC_EXTENSION the extension encrypt_then_mac is missing
451 p ERROR_NO_LONG_TERM_SUPPORT_EXTENSION the extension for long-term support is missing
452 p ERROR_MISSING_EXTENSION an extension is missing
453 p ERROR_UNSUPPORTED_EXTENSION an extension came that is not supported
454 n ERROR_ILLEGAL_PARAMETER a parameter of the handshake is not allowed
455 n ERROR_DECODE_ERROR a message of the handshake could not be decoded
456 n ERROR_DECRYPT_ERROR a message of the handshake could not be decrypted or verified
457 v ERROR_UNUSABLE_CERTIFICATE the certificate cannot be used for this
458 p ERROR_INVALID_KEYSIZE the size of a key is not allowed here
501 i INVALID_BUFFER_SIZE the size of a buffer is not valid
502 f WOULD_BLOCK the operation would have to wait
503 n ERROR_SSL_CLOSED the other side closed the session
504 p ERROR_PROTOCOL_MISMATCH client and server have no version of TLS in common
550 - EVENT_IO_WANT_READ it waits for something to read
551 - EVENT_IO_WANT_WRITE it waits for something to write
552 - EVENT_WANT_VALIDATE it waits for a certificate to be validated
553 - EVENT_WANT_HANDSHAKE it waits for the handshake
554 - EVENT_WANT_HANDLE_BUSY the handle is busy
601 i ERROR_NOT_SSLV3 the session is not of SSL 3
602 i MISC_INVALID_ID the id of a function is not valid
603 p ERROR_TOO_MANY_CERT_REQUESTS the other side asked for a certificate too often
604 f INVALID_SESSION the session is not valid
605 i MISC_EX_INVALID_ID the id of a function is not valid
701 i ATTRIBUTE_INVALID_ID the id of an attribute is not valid
702 i ATTRIBUTE_INVALID_LENGTH the length of an attribute is not valid
703 i ATTRIBUTE_INVALID_ENUMERATION the value of an attribute is not one of its choices
704 i ATTRIBUTE_INVALID_SID_CACHE the cache of session ids is not valid
705 i ATTRIBUTE_INVALID_NUMERIC_VALUE the number of an attribute is not valid
706 i CONFLICTING_VALIDATION_SETTING two settings of the validation contradict each other
707 p AES_UNSUPPORTED AES is not supported
708 i PEERID_LENGTH_ERROR the identity of the other side has a wrong length
709 p FIPS_CIPHER_INVALID_WHEN_FIPS_MODE_OFF a cipher that was set needs FIPS mode
710 p CIPHER_INVALID_WHEN_FIPS_MODE_ON a cipher that was set is not allowed in FIPS mode
711 p CIPHER_INVALID_WHEN_SUITEB_MODE_ON a cipher that was set is not allowed in Suite B mode
712 i ATTRIBUTE_INSUFFICIENT_BUFFER_SIZE the buffer is too small for the value of an attribute
575001 v GSKVAL_ERROR_UNKNOWN_ERROR the validation failed for a reason that has no name
575002 c GSKVAL_ERROR_ASN_ERROR a certificate could not be decoded (ASN.1)
575003 i GSKVAL_ERROR_KRY_ERROR an error of the cryptographic library
575004 k GSKVAL_ERROR_DB_ERROR an error of the key database
575005 r GSKVAL_ERROR_DIR_ERROR an error of the directory
575006 g GSKVAL_ERROR_INVALID_IMPL_LIBRARY a library for the validation is not valid
575007 v GSKVAL_ERROR_FAILED the validation failed
575008 i GSKVAL_ERROR_NO_APPROPRIATE_VALIDATOR there is no validator for this
575009 v GSKVAL_ERROR_ROOT_NOT_TRUSTED the root of the chain is not trusted
575010 v GSKVAL_ERROR_NO_CHAIN_BUILT the issuer of the server's certificate is not in the store: no chain
575011 v GSKVAL_ERROR_SIGALG_MISMATCH the algorithms of the signature, inside and outside, differ
575012 v GSKVAL_ERROR_SIGNATURE_MISMATCH the signature does not fit the issuer's key
575013 v GSKVAL_ERROR_VER_EXCLUDES_UNIQUE_IDS the version of the certificate allows no unique ids
575014 v GSKVAL_ERROR_VER_EXCLUDES_EXTNS the version of the certificate allows no extensions
575015 v GSKVAL_ERROR_UNKNOWN_VERSION the version of the certificate is not known
575016 t GSKVAL_ERROR_BAD_VALIDITY_RANGE the first day of the certificate is after its last
575017 t GSKVAL_ERROR_CERT_NOT_YET_VALID the certificate is not valid yet
575018 t GSKVAL_ERROR_CERT_EXPIRED the certificate has expired
575019 v GSKVAL_ERROR_UNKNOWN_CRIT_XTNS a critical extension is not known
575020 v GSKVAL_ERROR_DUP_XTNS an extension comes twice
575021 v GSKVAL_ERROR_DIRNAMES_DONT_MATCH the names of issuer and authority differ
575022 v GSKVAL_ERROR_SERIAL_NUMBERS_DONT_MATCH the serial numbers of issuer and authority differ
575023 v GSKVAL_ERROR_KEY_IDS_DONT_MATCH the key identifiers of issuer and authority differ
575024 v GSKVAL_ERROR_UNRECOGNIZED_ISSUERALTNAME an alternative name of the issuer is not known
575025 v GSKVAL_ERROR_BASIC_CONTRAINTS_NOT_CA the issuer's basic constraints do not say that it is a CA
575026 v GSKVAL_ERROR_PATHLENGTH_WITH_NONCA a path length stands in a certificate that is no CA's
575027 v GSKVAL_ERROR_BASIC_CONSTRAINTS_PATHLENGTH_EXCEEEDED the chain is longer than a CA allows
575028 v GSKVAL_ERROR_NO_SIGN_AUTH the issuer's key usage does not allow it to sign
575029 v GSKVAL_ERROR_NONCA_SIGNED what signed the certificate is no CA
575030 v GSKVAL_ERROR_UNRECOGNIZED_SUBJECTALTNAME an alternative name of the subject is not known
575031 v GSKVAL_ERROR_INVALID_CHAIN the chain is not valid
575032 r GSKVAL_ERROR_REVOKED_CERT the certificate is revoked
575033 r GSKVAL_ERROR_UNRECOGNIZED_DISTRIBUTION_POINT a distribution point of revocation lists is not known
575034 v GSKVAL_ERROR_NAME_CHAINING_FAILED the names of the chain do not follow from each other
575035 v GSKVAL_ERROR_CERT_NOT_IN_CHAIN the certificate is not in the chain
575036 r GSKVAL_ERROR_CRL_NOT_YET_VALID a revocation list is not valid yet
575037 r GSKVAL_ERROR_CRL_EXPIRED a revocation list has expired
575038 v GSKVAL_ERROR_VER_EXCLUDES_CRIT_EXTNS the version allows no critical extensions
575039 r GSKVAL_ERROR_UNKNOWN_CRL_DIST_PTS the distribution points of revocation lists are not known
575040 r GSKVAL_ERROR_NO_CRLS_FOR_CRL_DIST_PTS there is no revocation list at the distribution points
575041 r GSKVAL_ERROR_INDIRECT_CRL_NOT_SUPPORTED revocation lists of somebody else are not supported
575042 r GSKVAL_ERROR_MISSING_ISSUING_DIST_POINT_NAME the name of a list's distribution point is missing
575043 r GSKVAL_ERROR_DIST_PTS_DONT_MATCH the distribution points do not match
575044 r GSKVAL_ERROR_NO_AVAILABLE_CRL_DATASOURCE no source of revocation lists can be reached
575045 v GSKVAL_ERROR_NULL_CA_SUBJECT a CA has no subject
575046 v GSKVAL_ERROR_NAMES_DONT_CHAIN the names do not follow from each other
575047 v GSKVAL_ERROR_MISSING_SUBJECTALTNAME an alternative name of the subject is missing
575048 v GSKVAL_ERROR_UNIQUEID_MISMATCH the unique ids do not match
575049 v GSKVAL_ERROR_NAME_NOT_PERMITTED a name is not among those that a CA permits
575050 v GSKVAL_ERROR_NAME_EXCLUDED a name is among those that a CA excludes
575051 v GSKVAL_ERROR_CA_MISSING_CRITICAL_BASIC_CONSTRAINT a CA's basic constraints are not critical
575052 v GSKVAL_ERROR_NAME_CONSTRAINTS_NOT_CRITICAL the name constraints are not critical
575053 v GSKVAL_ERROR_NAME_CONSTRAINTS_MIN_NOT_ZERO a name constraint has a smallest distance other than zero
575054 v GSKVAL_ERROR_NAME_CONSTRAINTS_MAX_PRESENT a name constraint has a largest distance
575055 v GSKVAL_ERROR_UNSUPPORTED_NAME_CONSTRAINT a name constraint is not supported
575056 v GSKVAL_ERROR_EMPTY_POLICY_CONSTRAINTS the policy constraints are empty
575057 v GSKVAL_ERROR_BAD_CERT_POLICIES the certificate's policies are bad
575058 v GSKVAL_ERROR_CERT_POLICIES_NOT_ACCEPTABLE the certificate's policies are not acceptable
575059 v GSKVAL_ERROR_BAD_ACCEPTABLE_POLICIES the acceptable policies are bad
575060 v GSKVAL_ERROR_POLICY_MAPPINGS_CRITICAL the policy mappings are critical
575061 r GSKVAL_ERROR_REVOCATIONSTATUS_UNDETERMINED whether the certificate is revoked cannot be found out
575062 v GSKVAL_ERROR_EXTKEYUSG_BADAUTH the extended key usage does not allow this
575063 r GSKVAL_ERROR_OCSP_UNKNOWNVERSION an OCSP answer has a version that is not known
575064 r GSKVAL_ERROR_OCSP_UNKNOWNRESPONSE an OCSP answer is not known
575065 r GSKVAL_ERROR_OCSP_BAD_KEYUSAGE_XTN the key usage of the OCSP responder is bad
575066 r GSKVAL_ERROR_OCSP_BAD_NONCE the nonce of an OCSP answer is bad
575067 r GSKVAL_ERROR_OCSP_MISSING_NONCE the nonce of an OCSP answer is missing
575068 r GSKVAL_ERROR_OCSP_NO_CLIENT there is no OCSP client
575069 v GSKVAL_ERROR_INHIBITANYPOLICY_NOT_CRITICAL the extension inhibitAnyPolicy is not critical
575070 r GSKVAL_ERROR_OCSP_OLDBUTGOOD an OCSP answer is out of date; it said good
575071 r GSKVAL_ERROR_OCSP_OLDBUTREVOKED an OCSP answer is out of date; it said revoked
575072 v GSKVAL_ERROR_INCORRECT_CURVE the curve of a key is not the one that is wanted
575073 v GSKVAL_ERROR_INCORRECT_KEYSIZE the size of a key is not the one that is wanted
575074 v GSKVAL_ERROR_INCORRECT_SIGALG the signature algorithm is not the one that is wanted
"""
