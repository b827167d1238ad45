// Package private is empty. It stands for the runtime where a build collects no
// coverage and a rule takes no select.
package private
