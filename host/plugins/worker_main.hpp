#pragma once
// The program that runs in a worker process: `berth worker`, started by the host alone, with the pipe as standard input
// and output. It takes no arguments: paths, configuration and cursors come in frames, never on a command line that `ps`
// shows.
namespace berth::plugins {

/// Serves the host until it says close or is gone. Returns only if the pipe could not be set up; otherwise the process
/// ends in here, without running destructors of static objects, which may be a plugin's.
int worker_main();

}  // namespace berth::plugins
