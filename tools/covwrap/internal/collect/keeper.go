package collect

import (
	"errors"
	"math"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
)

// keeper puts the profiles of processes into a store. What the store has no
// room for is added up per binary, so that the store's folder still sums up to
// everything.
type keeper struct {
	store   *profiles.Store
	trouble func(slug, text string)
	writer  covdata.CounterWriter
	rest    map[*binary]map[[2]uint32][]uint32
	order   []*binary
}

// keep stores the profile of one process and returns its name, or "".
func (k *keeper) keep(bin *binary, pid int, nanos int64, args map[string]string, s *scratch) string {
	if k.store == nil {
		return ""
	}
	if err := k.store.Meta(bin.Hash, bin.content); err != nil {
		k.fail(err)
		return ""
	}
	if k.store.HasRoom(bin.Hash, pid, nanos) {
		k.writer.Reset(bin.Hash, k.store.Args(args))
		s.visit(k.writer.Func)
		name, err := k.store.Keep(bin.Hash, pid, nanos, k.writer.Bytes())
		if err == nil {
			return name
		}
		k.fail(err)
	}
	k.addRest(bin, s)
	return ""
}

// fail says why a profile is not kept.
func (k *keeper) fail(err error) {
	if errors.Is(err, profiles.ErrFull) {
		return // the ledger's entries say it by having no profile
	}
	k.trouble("profile-not-kept", err.Error())
}

// addRest adds up what is not kept.
func (k *keeper) addRest(bin *binary, s *scratch) {
	if k.rest == nil {
		k.rest = map[*binary]map[[2]uint32][]uint32{}
	}
	sums := k.rest[bin]
	if sums == nil {
		sums = map[[2]uint32][]uint32{}
		k.rest[bin] = sums
		k.order = append(k.order, bin)
	}
	s.visit(func(pkg, fn uint32, counters []uint32) {
		at := [2]uint32{pkg, fn}
		sum := sums[at]
		if sum == nil {
			sum = make([]uint32, len(counters))
			sums[at] = sum
		}
		for i, c := range counters {
			if sum[i] > math.MaxUint32-c {
				sum[i] = math.MaxUint32
			} else {
				sum[i] += c
			}
		}
	})
}

// finish writes the sums of what was not kept.
func (k *keeper) finish() {
	for _, bin := range k.order {
		k.writer.Reset(bin.Hash, nil)
		for pkg := range bin.Packages {
			for fn := range bin.Packages[pkg].Funcs {
				if sum := k.rest[bin][[2]uint32{uint32(pkg), uint32(fn)}]; sum != nil {
					k.writer.Func(uint32(pkg), uint32(fn), sum)
				}
			}
		}
		if err := k.store.Rest(bin.Hash, k.writer.Bytes()); err != nil {
			k.fail(err)
		}
	}
	k.rest, k.order = nil, nil
}
