package plain

import (
	"fmt"
	"slices"
)

// product is something to buy. Its picture is static/<ID>.svg.
type product struct {
	ID, Name, About string
	Cents           int
}

// goods are what there is, in the order of the shelf.
func goods() []product {
	return []product{
		{"notebook", "Notebook", "160 pages that lie flat.", 1400},
		{"pencils", "Pencils", "Six of cedar, from soft to hard.", 950},
		{"mug", "Mug", "Stoneware, holds a large coffee.", 1800},
		{"lamp", "Desk lamp", "One switch, one arm, warm light.", 6400},
		{"letters", "Letter paper", "Forty sheets and as many envelopes.", 1250},
		{"plant", "Plant", "Forgives a holiday.", 2200},
	}
}

// named is the product of that id, and whether there is one.
func named(id string) (product, bool) {
	all := goods()
	i := slices.IndexFunc(all, func(p product) bool { return p.ID == id })
	if i < 0 {
		return product{}, false
	}
	return all[i], true
}

// most is how many of one thing anybody may have in the cart.
const most = 20

// cart is what a session's data holds: how many of each product.
type cart map[string]int

// add puts n more of a product in.
func (c cart) add(id string, n int) { c.set(id, c[id]+n) }

// set has n of a product in the cart. Products that there are not it leaves out.
func (c cart) set(id string, n int) {
	if _, known := named(id); !known || n <= 0 {
		delete(c, id)
		return
	}
	c[id] = min(n, most)
}

// merge puts all of another cart in.
func (c cart) merge(other cart) {
	for id, n := range other {
		c.add(id, n)
	}
}

// line is one product of a cart.
type line struct {
	product
	N, Sum int
}

// lines are what is in the cart, in the order of the shelf, and their sum.
func (c cart) lines() (list []line, sum int) {
	for _, p := range goods() {
		if n := c[p.ID]; n > 0 {
			list = append(list, line{p, n, n * p.Cents})
			sum += n * p.Cents
		}
	}
	return list, sum
}

// count is how many things are in the cart.
func (c cart) count() (n int) {
	for _, of := range c {
		n += of
	}
	return n
}

// euro is an amount as people read it.
func euro(cents int) string { return fmt.Sprintf("€%d.%02d", cents/100, cents%100) }

// things is a number and its noun.
func things(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
