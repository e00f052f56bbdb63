// The worker program of the tests: what `berth worker` does, and nothing else.
#include "host/plugins/worker_main.hpp"

int main() {
  return berth::plugins::worker_main();
}
