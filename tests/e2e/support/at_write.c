/* Loaded into a program with LD_PRELOAD: gives it a signal in the middle of its n-th write into a SQLite database or its
 * log, which is how a moment is found that no call to a remote marks. Half of the bytes are written before the signal.
 *
 *   AT_WRITE_COUNTER   a file of 8 bytes that counts the writes; without it nothing happens
 *   AT_WRITE_NUMBER    the write to stop at, from 1; 0 or absent: only count
 *   AT_WRITE_SIGNAL    9 kills, 19 stops until SIGCONT
 *
 * Any thread. Workers inherit it and write to no database. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

typedef ssize_t (*pwrite_function)(int, const void*, size_t, off_t);

static pwrite_function real_pwrite;
static _Atomic long long* counter;
static long long wanted;
static int signal_number;

static long long number_of(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : atoll(text);
}

__attribute__((constructor)) static void begin(void) {
  *(void**)&real_pwrite = dlsym(RTLD_NEXT, "pwrite64");  /* as POSIX writes it: ISO C knows no such conversion */
  const char* path = getenv("AT_WRITE_COUNTER");
  if (path == NULL) return;
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* shared = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared == MAP_FAILED) return;
  counter = shared;
  wanted = number_of("AT_WRITE_NUMBER");
  signal_number = (int)number_of("AT_WRITE_SIGNAL");
}

static int is_of_database(int file) {
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  const size_t size = (size_t)length;
  return (size > 3 && strcmp(path + size - 3, ".db") == 0) || (size > 4 && strcmp(path + size - 4, "-wal") == 0);
}

static ssize_t write_at(int file, const void* bytes, size_t size, off_t at) {
  if (counter != NULL && is_of_database(file) && atomic_fetch_add(counter, 1) + 1 == wanted) {
    const ssize_t half = real_pwrite(file, bytes, size / 2, at);
    kill(getpid(), signal_number);
    if (half < 0) return half;
  }
  return real_pwrite(file, bytes, size, at);
}

#define EXPORTED __attribute__((visibility("default")))
EXPORTED ssize_t pwrite64(int file, const void* bytes, size_t size, off_t at) { return write_at(file, bytes, size, at); }
EXPORTED ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) { return write_at(file, bytes, size, at); }
