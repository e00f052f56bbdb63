#pragma once
// The command line of a bench: "--name VALUE".
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Reads whole numbers above zero into the places given; ends the program with the usage and exit code 2 where anything else stands
/// in the line.
void read_options(int argc, char** argv, const std::vector<std::pair<const char*, int*>>& numbers);
/// Whether argv[i] is that option and has a value behind it, which is then argv[i].
bool is_option(int argc, char** argv, int& i, const char* name);

}  // namespace bench
