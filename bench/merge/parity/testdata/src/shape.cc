#include "shape.h"

#include <cstdlib>
#include <iostream>
#include <map>

static int area(int width, int height) { return width * height; }

static int never(int x, const std::map<int, int>& seen) {
  return seen.count(x) ? 1 : 2;
}

int main(int argc, char** argv) {
  int sides = argc > 1 ? std::atoi(argv[1]) : 4;
  std::map<int, int> seen;
  for (int i = 0; i < 100; i++) {
    seen[clamp(i, 10, 20)]++;
  }
  std::cout << name(sides) << area(2, 3) << clamp(2.5, 0.0, 1.0) << seen.size() << "\n";
  if (argc > 2 && never(sides, seen)) {
    return 1;
  }
  return 0;
}
