#include "cc/clamp.h"

int main() {
  return clamp(5, 1, 3) == 3 && clamp(2, 1, 3) == 2 && larger(1, 2) == 2 ? 0 : 1;
}
