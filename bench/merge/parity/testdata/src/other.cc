#include <iostream>

#include "shape.h"

int main() {
  std::cout << name(3) << clamp(1L, 2L, 3L) << "\n";
  return 0;
}
