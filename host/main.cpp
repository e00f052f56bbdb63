#include <malloc.h>

#include "host/cli/main.hpp"

int main(int argc, char** argv) {
  // glibc gives every thread that allocates an arena of its own and returns little of it. Few threads here allocate at the
  // same time, and answers that came in on one are freed by another.
  mallopt(M_ARENA_MAX, 2);
  return berth::cli::run(argc, argv);
}
