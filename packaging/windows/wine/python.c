/* python.exe: the interpreter of the DLL beside it. */
#include <wchar.h>

extern int Py_Main(int argc, wchar_t **argv);

int wmain(int argc, wchar_t **argv) { return Py_Main(argc, argv); }
