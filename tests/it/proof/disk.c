/* A disk that goes wrong on command, put below a program by LD_PRELOAD: for the files that
 * are directly in one folder.
 *
 *   DISK_FOLDER   the folder
 *   DISK_TROUBLE  a file of one byte, read again at each call; what goes wrong:
 *                 '-' nothing, 'f' full (no file can grow), 'e' writes fail with EIO,
 *                 's' syncs fail with EIO, 'd' it dies at the next sync: that and every
 *                 write behind it fail, 'r' read-only, 'w' everything takes 20 ms
 *   DISK_SYNCED   where given, a folder for what outlives a power cut: under the number of
 *                 its inode what each file held when it was last synced, and in `entries`
 *                 the names that there were when the folder itself was
 *   DISK_BOOT_ID  a file in place of the kernel's boot id
 *
 * It does not tear writes: what was synced is there as it was, and what was not is gone.
 * The file that is to be copied is never opened a second time, for closing it would drop
 * the program's locks on it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 65536
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

enum kind { OTHER, FILE_THERE, FOLDER_ITSELF };

static char kinds[MAX_FILES];
static const char *folder, *synced, *boot_id;
static const volatile char *trouble = "-";
static volatile char is_dead;
static pthread_mutex_t copying = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);

static void look_up(void) {
    real_open = dlsym(RTLD_NEXT, "open");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_close = dlsym(RTLD_NEXT, "close");
}

__attribute__((constructor)) static void begin(void) {
    look_up();
    folder = getenv("DISK_FOLDER");
    synced = getenv("DISK_SYNCED");
    boot_id = getenv("DISK_BOOT_ID");
    const char *path = getenv("DISK_TROUBLE");
    int fd = path ? real_open(path, O_RDONLY) : -1;
    if (fd >= 0) {
        void *byte = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
        if (byte != MAP_FAILED) trouble = byte;
        real_close(fd);
    }
}

static enum kind kind_of_path(const char *path) {
    size_t length = folder ? strlen(folder) : 0;
    if (!length || strncmp(path, folder, length)) return OTHER;
    if (!path[length] || !strcmp(path + length, "/")) return FOLDER_ITSELF;
    return path[length] == '/' && !strchr(path + length + 1, '/') ? FILE_THERE : OTHER;
}

static enum kind kind_of(int fd) { return fd >= 0 && fd < MAX_FILES ? kinds[fd] : OTHER; }

static int fail(int error) {
    errno = error;
    return -1;
}

static int is_dead_now(void) {
    if (*trouble != 'd') is_dead = 0;
    return is_dead;
}

static void take_time(void) {
    if (*trouble == 'w') usleep(20000);
}

/* Whether a write that ends at `end` goes wrong, and how. */
static int write_trouble(int fd, off_t end) {
    struct stat now;
    take_time();
    if (is_dead_now()) return EIO;
    switch (*trouble) {
    case 'e': return EIO;
    case 'r': return EROFS;
    case 'f': return fstat(fd, &now) == 0 && end > now.st_size ? ENOSPC : 0;
    default: return 0;
    }
}

/* What is at `path` in the folder of what was synced. */
static void synced_path(char *path, size_t size, ino_t inode, const char *suffix) {
    snprintf(path, size, "%s/%lu%s", synced, (unsigned long)inode, suffix);
}

static int sync_file(int fd) {
    struct stat now;
    char path[4096], temporary[4096], bytes[65536];
    if (fstat(fd, &now)) return -1;
    synced_path(path, sizeof path, now.st_ino, "");
    synced_path(temporary, sizeof temporary, now.st_ino, ".new");
    int copy = real_open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (copy < 0) return -1;
    off_t at = 0;
    ssize_t count;
    while ((count = pread(fd, bytes, sizeof bytes, at)) > 0) {
        if (real_write(copy, bytes, count) != count) abort();
        at += count;
    }
    real_close(copy);
    return count < 0 ? -1 : rename(temporary, path);
}

static int sync_folder(void) {
    char path[4096], temporary[4096];
    snprintf(path, sizeof path, "%s/entries", synced);
    snprintf(temporary, sizeof temporary, "%s/entries.new", synced);
    FILE *entries = fopen(temporary, "w");
    DIR *names = opendir(folder);
    if (!entries || !names) abort();
    for (struct dirent *entry; (entry = readdir(names));)
        if (entry->d_type == DT_REG) fprintf(entries, "%lu %s\n", (unsigned long)entry->d_ino, entry->d_name);
    closedir(names);
    fclose(entries);
    return rename(temporary, path);
}

static int sync_any(int fd, int (*really)(int)) {
    enum kind kind = kind_of(fd);
    if (kind == OTHER) return really(fd);
    take_time();
    if (*trouble == 'd') is_dead = 1;
    if (*trouble == 's' || *trouble == 'e' || *trouble == 'd') return fail(EIO);
    if (!synced) return really(fd);
    pthread_mutex_lock(&copying);
    int result = kind == FOLDER_ITSELF ? sync_folder() : sync_file(fd);
    pthread_mutex_unlock(&copying);
    return result;
}

/* A new file is another one than that which had its inode before. */
static void forget(int fd) {
    struct stat now;
    char path[4096];
    if (!synced || fstat(fd, &now)) return;
    synced_path(path, sizeof path, now.st_ino, "");
    unlink(path);
}

static int open_any(const char *path, int flags, mode_t mode) {
    if (boot_id && !strcmp(path, BOOT_ID)) path = boot_id;
    enum kind kind = kind_of_path(path);
    int is_new = kind == FILE_THERE && (flags & O_CREAT) && access(path, F_OK);
    if (kind == FILE_THERE) {
        take_time();
        int writes = (flags & O_ACCMODE) != O_RDONLY || is_new;
        if (*trouble == 'r' && writes) return fail(EROFS);
        if ((*trouble == 'e' || is_dead_now()) && is_new) return fail(EIO);
        if (*trouble == 'f' && is_new) return fail(ENOSPC);
    }
    int fd = real_open(path, flags, mode);
    if (fd >= 0 && fd < MAX_FILES) kinds[fd] = kind;
    if (fd >= 0 && is_new) forget(fd);
    return fd;
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(NAME)                                   \
    int NAME(const char *path, int flags, ...) {     \
        va_list rest;                                \
        va_start(rest, flags);                       \
        mode_t mode = mode_of(flags, rest);          \
        va_end(rest);                                \
        if (!real_open) look_up();                   \
        return open_any(path, flags, mode);          \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    if (!real_close) look_up();
    if (fd >= 0 && fd < MAX_FILES) kinds[fd] = OTHER;
    return real_close(fd);
}

int fsync(int fd) { return sync_any(fd, real_fsync); }
int fdatasync(int fd) { return sync_any(fd, real_fdatasync); }

ssize_t write(int fd, const void *bytes, size_t count) {
    if (!real_write) look_up();
    if (kind_of(fd) == FILE_THERE) {
        int error = write_trouble(fd, lseek(fd, 0, SEEK_CUR) + count);
        if (error) return fail(error);
    }
    return real_write(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    if (kind_of(fd) == FILE_THERE) {
        int error = write_trouble(fd, at + count);
        if (error) return fail(error);
    }
    return real_pwrite(fd, bytes, count, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return pwrite(fd, bytes, count, at); }

int ftruncate(int fd, off_t size) {
    if (kind_of(fd) == FILE_THERE) {
        int error = write_trouble(fd, size);
        if (error) return fail(error);
    }
    return real_ftruncate(fd, size);
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }
