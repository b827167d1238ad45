#pragma once
#include <string>

template <typename T>
T clamp(T value, T low, T high) {
  if (value < low) return low;
  if (value > high) return high;
  return value;
}

inline std::string name(int sides) {
  switch (sides) {
    case 3:
      return "triangle";
    case 4:
      return "square";
    default:
      return sides > 4 ? "polygon" : "none";
  }
}
