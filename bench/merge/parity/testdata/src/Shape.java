package shapes;

import java.util.function.IntUnaryOperator;

public class Shape {
  enum Kind { ROUND, FLAT }

  private final Kind kind;

  Shape(Kind kind) {
    this.kind = kind;
  }

  int area(int width, int height) {
    switch (kind) {
      case ROUND:
        return (int) (width * height * 0.785);
      default:
        return width > 0 && height > 0 ? width * height : 0;
    }
  }

  static int never(int x, String... names) {
    return names.length > 0 ? x : -x;
  }

  public static void main(String[] args) {
    IntUnaryOperator twice = n -> n * 2;
    for (Kind kind : Kind.values()) {
      System.out.println(twice.applyAsInt(new Shape(kind).area(3, 4)));
    }
  }
}
