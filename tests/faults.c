/* Preloaded into the platform by tests/faulty.py: a disk that is full, slow or read-only, and a clock that jumps. The file that FAULTS names says
 * what is wrong at the moment: "full 1" refuses every write below the directory FAULTY, "slow MS" makes each sync take
 * so long, "clock S" sets the time of day S seconds ahead. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The number after `word` in the file, or `otherwise`. By system calls, so that nothing here is intercepted in turn. */
static long asked(const char *word, long otherwise) {
    const char *path = getenv("FAULTS");
    char text[256];
    int saved = errno;
    if (path == NULL) return otherwise;
    long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) { errno = saved; return otherwise; }
    long length = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    errno = saved;
    if (length <= 0) return otherwise;
    text[length] = 0;
    char *found = strstr(text, word);
    return found == NULL ? otherwise : atol(found + strlen(word));
}

/* Whether writing to `file` fails: only what is below the directory FAULTY. */
static int is_refused(int file) {
    char link[64], path[4096];
    const char *below = getenv("FAULTY");
    if (below == NULL || asked("full ", 0) == 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strncmp(path, below, strlen(below)) == 0;
}

#define REAL(result, name, ...) static result (*real)(__VA_ARGS__); if (real == NULL) real = dlsym(RTLD_NEXT, name)

ssize_t write(int file, const void *data, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (is_refused(file)) { errno = ENOSPC; return -1; }
    return real(file, data, length);
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    if (is_refused(file)) { errno = ENOSPC; return -1; }
    return real(file, data, length, at);
}

ssize_t pwrite(int file, const void *data, size_t length, off_t at) {
    return pwrite64(file, data, length, at);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (is_refused(file)) { errno = ENOSPC; return -1; }
    return real(file, parts, count);
}

int ftruncate64(int file, off64_t length) {
    REAL(int, "ftruncate64", int, off64_t);
    if (is_refused(file)) { errno = ENOSPC; return -1; }
    return real(file, length);
}

int ftruncate(int file, off_t length) {
    return ftruncate64(file, length);
}

int fallocate(int file, int mode, off_t from, off_t length) {
    REAL(int, "fallocate", int, int, off_t, off_t);
    if (is_refused(file)) { errno = ENOSPC; return -1; }
    return real(file, mode, from, length);
}

static void drag(void) {
    long wait = asked("slow ", 0);
    struct timespec pause = {wait / 1000, wait % 1000 * 1000000};
    if (wait > 0) nanosleep(&pause, NULL);
}

int fsync(int file) {
    REAL(int, "fsync", int);
    drag();
    return real(file);
}

int fdatasync(int file) {
    REAL(int, "fdatasync", int);
    drag();
    return real(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += asked("clock ", 0);
    return result;
}
