#include <cstdlib>

#include "cc/clamp.h"

int main(int argc, char** argv) {
  return argc > 1 ? clamp(std::atoi(argv[1]), 0, 9) : 1;
}
