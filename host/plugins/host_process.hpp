#pragma once
// What a host does to its own process before it loads a secret or starts a worker: no core files, its memory closed to
// other processes of the same user, and no end by a pipe that a worker has left. Called once, early in main.
namespace berth::plugins {

void protect_host_process();

}  // namespace berth::plugins
