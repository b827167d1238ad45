#pragma once

// Returns value, or the nearer of low and high if it is not between them.
int clamp(int value, int low, int high);

template <typename T>
T larger(T a, T b) {
  return a > b ? a : b;
}
