/* Tries what a guest must not do: a socket, reading a file, writing a file, a new process. What came of each ("ok" or
 * the errno) is the JSON of the record thing/report: {"socket":"1","read":"1","write":"1","fork":"1"} where all are
 * refused with EPERM. It ends well in any case. */
#define _GNU_SOURCE
#define PLUGIN_ID "intruder"
#define OWN_RUN_PHASE
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

static void outcome(char* buffer, size_t size, int result, int error_number) {
  if (result >= 0) {
    snprintf(buffer, size, "ok");
  } else {
    snprintf(buffer, size, "%d", error_number);
  }
}

static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  (void)run;
  char socket_text[16], read_text[16], write_text[16], fork_text[16], json[160];

  int made = socket(AF_INET, SOCK_STREAM, 0);
  outcome(socket_text, sizeof socket_text, made, errno);
  if (made >= 0) close(made);

  made = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  outcome(read_text, sizeof read_text, made, errno);
  if (made >= 0) close(made);

  const char* path = "/tmp/berth-intruder-was-here";
  made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  outcome(write_text, sizeof write_text, made, errno);
  if (made >= 0) {
    close(made);
    unlink(path);
  }

  made = (int)fork();
  if (made == 0) _exit(0);
  outcome(fork_text, sizeof fork_text, made, errno);
  if (made > 0) waitpid((pid_t)made, NULL, 0);

  snprintf(json, sizeof json, "{\"socket\":\"%s\",\"read\":\"%s\",\"write\":\"%s\",\"fork\":\"%s\"}", socket_text,
           read_text, write_text, fork_text);
  const int32_t status = emit_json("thing", "report", json, 0, error);
  return status != BERTH_OK ? status : checkpoint("{}", BERTH_CHECKPOINT_PASS_COMPLETE, error);
}
