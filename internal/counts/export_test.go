package counts

// Used is the number of stripes in which the counter i has counted.
func (s *Set) Used(i int) (n int) {
	for j := range s.stripes {
		if s.stripes[j][i].Load() > 0 {
			n++
		}
	}
	return n
}
