#pragma once
// The command line: `berth COMMAND …`.
namespace berth::cli {
/// Parses, runs one command and returns its exit code. Never throws.
int run(int argc, char** argv);
}  // namespace berth::cli
