/* A played client service: runs until it is told to stop; with --deaf it says that it will, and does not. */
#include <string.h>
#include <windows.h>

static SERVICE_STATUS_HANDLE reporter;
static HANDLE stopped;
static int deaf;

static void report(DWORD state) {
    SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, state, state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0};
    status.dwWaitHint = state == SERVICE_STOP_PENDING ? 60000 : 0;
    SetServiceStatus(reporter, &status);
}

static DWORD WINAPI control(DWORD code, DWORD type, LPVOID data, LPVOID context) {
    if (code == SERVICE_CONTROL_STOP) {
        report(SERVICE_STOP_PENDING);
        if (!deaf) SetEvent(stopped);
    }
    return NO_ERROR;
}

static void WINAPI service(DWORD argc, LPWSTR *argv) {
    reporter = RegisterServiceCtrlHandlerExW(argv[0], control, NULL);
    stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
    report(SERVICE_RUNNING);
    WaitForSingleObject(stopped, INFINITE);
    report(SERVICE_STOPPED);
}

int main(int argc, char **argv) {
    SERVICE_TABLE_ENTRYW table[] = {{L"", service}, {NULL, NULL}};
    for (int at = 1; at < argc; at++) deaf |= strcmp(argv[at], "--deaf") == 0;
    return StartServiceCtrlDispatcherW(table) ? 0 : (int)GetLastError();
}
