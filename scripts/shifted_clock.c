/* Preloaded by clocks.sh: the time of day is SHIFT seconds later (earlier, when negative).
 *
 * Only what says the time of day is shifted; the monotonic clock, by which programs measure and wait, is not.
 * libfaketime does not do here: with it Python either waits for years (its timeouts are absolute times of the
 * monotonic clock) or cannot sleep at all.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *found)
{
    int failed = syscall(SYS_clock_gettime, clock, found);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        found->tv_sec += SHIFT;
    return failed;
}

int gettimeofday(struct timeval *restrict found, void *restrict unused)
{
    struct timespec now;
    (void)unused;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *found)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (found)
        *found = now.tv_sec;
    return now.tv_sec;
}
