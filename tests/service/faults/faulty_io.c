/* Loaded into a process with LD_PRELOAD: lets the n-th call on files under one folder fail, as a full or dying disk does.
 *
 * FAULTY_UNDER is the folder. FAULTY_CONTROL is a file of five 64-bit numbers in the machine's byte order, which a test
 * changes while the process runs: how many calls to let pass before one fails (negative: none fails), the error number,
 * whether reading counts too, whether all calls after it fail as well, and how many have failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct control { int64_t left, number, reading, lasting, failed; };

static struct control *control;
static const char *under;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTY_CONTROL");
    under = getenv("FAULTY_UNDER");
    if (!path || !under) return;
    int file = open(path, O_RDWR);
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) control = shared;
    close(file);
}

static int fails(void) {
    int64_t left = __atomic_load_n(&control->left, __ATOMIC_SEQ_CST);
    if (left < 0) return 0;
    if (!(left == 0 && control->lasting) && __atomic_fetch_sub(&control->left, 1, __ATOMIC_SEQ_CST) != 0) return 0;
    __atomic_fetch_add(&control->failed, 1, __ATOMIC_SEQ_CST);
    errno = (int)control->number;
    return 1;
}

static int path_fails(const char *path) {
    return control && path && strncmp(path, under, strlen(under)) == 0 && fails();
}

static int file_fails(int file) {
    if (!control || control->left < 0) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return path_fails(path);
}

static int reading_fails(int file) { return control && control->reading && file_fails(file); }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define ON_FILE(type, name, parameters, arguments, file) \
    type name parameters { return file_fails(file) ? -1 : REAL(name) arguments; }
#define ON_READING(type, name, parameters, arguments, file) \
    type name parameters { return reading_fails(file) ? -1 : REAL(name) arguments; }
#define ON_PATH(type, name, parameters, arguments, path) \
    type name parameters { return path_fails(path) ? -1 : REAL(name) arguments; }

ON_FILE(ssize_t, write, (int file, const void *data, size_t size), (file, data, size), file)
ON_FILE(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at), file)
ON_FILE(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at), file)
ON_FILE(int, fsync, (int file), (file), file)
ON_FILE(int, fdatasync, (int file), (file), file)
ON_FILE(int, ftruncate, (int file, off_t size), (file, size), file)
ON_FILE(int, ftruncate64, (int file, off64_t size), (file, size), file)
ON_READING(ssize_t, read, (int file, void *data, size_t size), (file, data, size), file)
ON_READING(ssize_t, pread, (int file, void *data, size_t size, off_t at), (file, data, size, at), file)
ON_READING(ssize_t, pread64, (int file, void *data, size_t size, off64_t at), (file, data, size, at), file)
ON_PATH(int, rename, (const char *from, const char *to), (from, to), from)
ON_PATH(int, unlink, (const char *path), (path), path)
ON_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode), path)

static int opening_fails(const char *path, int flags) {
    return ((flags & O_CREAT) || (control && control->reading)) && path_fails(path);
}

#define OPENING(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        return opening_fails(path, flags) ? -1 : REAL(name)(path, flags, mode); \
    }
OPENING(open)
OPENING(open64)
