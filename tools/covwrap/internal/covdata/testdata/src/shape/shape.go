// Package shape has methods and generics.
package shape

type Square struct{ Side int }

func (s Square) Area() int { return s.Side * s.Side }

func (s *Square) Grow() { s.Side++ }

func Max[T int | float64, U any](a, b T) T {
	if a > b {
		return a
	}
	return b
}
