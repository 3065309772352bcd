package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svg plots p50 and p99 of each operation against the number of sessions: above
// what goes through the service, below the loaded rows.
func (r *report) svg() ([]byte, error) {
	rows := []struct {
		title string
		ops   []op
	}{
		{"service, sessions just created", []op{opCreate, opRefresh, opChild, opPromote, opRevoke, opList, opRevokeAll, opSelect1}},
		{"store, loaded rows", []op{opLoadedFind, opLoadedAdvance, opLoadedRevoke, opLoadedList, opLoadedRevokeAll, opSelect1}},
	}
	low, high := r.bounds()
	var plots [][]*plot.Plot
	for _, row := range rows {
		var line []*plot.Plot
		for _, q := range []struct {
			name string
			of   func(summary) time.Duration
		}{
			{"p50", func(s summary) time.Duration { return s.p50 }},
			{"p99", func(s summary) time.Duration { return s.p99 }},
		} {
			p, err := r.panel(row.ops, q.of)
			if err != nil {
				return nil, err
			}
			p.Title.Text = q.name + ": " + row.title
			p.Y.Min, p.Y.Max = low, high
			line = append(line, p)
		}
		plots = append(plots, line)
	}
	return r.draw(plots)
}

// panel is one plot: a line for each operation.
func (r *report) panel(of []op, value func(summary) time.Duration) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "sessions in the table", "milliseconds"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = sessionTicks(r.stages), plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.YOffs = -vg.Points(2)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	for i, o := range of {
		points := make(plotter.XYs, len(r.stages))
		for j, m := range r.stages {
			points[j] = plotter.XY{X: float64(m.size), Y: inMillis(value(m.sums[o]))}
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Color, marks.Color, marks.Shape = plotutil.Color(i), plotutil.Color(i), plotutil.Shape(i)
		if o == opSelect1 {
			line.Color, marks.Color, line.Dashes = color.Gray{120}, color.Gray{120}, plotutil.Dashes(2)
		}
		p.Add(line, marks)
		p.Legend.Add(o.String(), line, marks)
	}
	first, last := r.stages[0].size, r.stages[len(r.stages)-1].size
	p.X.Min, p.X.Max = float64(first)/1.3, float64(last)*1.3
	for _, text := range []*font.Font{
		&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font,
		&p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font,
	} {
		text.Variant = "Sans"
	}
	p.Legend.TextStyle.Font.Size = vg.Points(8)
	return p, nil
}

// draw puts the panels beside each other, under a line that says when and where.
func (r *report) draw(plots [][]*plot.Plot) ([]byte, error) {
	canvas := vgsvg.New(11*vg.Inch, 9*vg.Inch)
	all := draw.New(canvas)
	all.SetColor(color.White)
	all.Fill(all.Path())
	style := plots[0][0].X.Label.TextStyle
	style.XAlign = draw.XCenter
	caption := []string{fmt.Sprintf("Latency, %s, %d workers", r.settings.layout(), r.settings.workers)}
	for _, f := range r.facts {
		if f.name == "date" || f.name == "machine" || f.name == "server" {
			caption = append(caption, f.value)
		}
	}
	all.FillText(style, vg.Point{X: all.Center().X, Y: all.Max.Y - vg.Points(16)},
		strings.Join(caption, "; "))
	below := draw.Crop(all, vg.Points(4), -vg.Points(8), vg.Points(4), -vg.Points(26))
	tiles := draw.Tiles{Rows: len(plots), Cols: len(plots[0]), PadX: vg.Points(10), PadY: vg.Points(10)}
	for i, row := range plot.Align(plots, tiles, below) {
		for j := range row {
			plots[i][j].Draw(row[j])
		}
	}
	var out bytes.Buffer
	_, err := canvas.WriteTo(&out)
	return out.Bytes(), err
}

// bounds is the range of all panels, so that they can be compared: whole
// decades, and room for the legend.
func (r *report) bounds() (low, high float64) {
	low, high = math.Inf(1), 0
	for _, m := range r.stages {
		for _, s := range m.sums {
			low, high = min(low, inMillis(s.p50)), max(high, inMillis(s.p99))
		}
	}
	return math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high))+1)
}

// inMillis is at least a microsecond: a logarithm knows no 0.
func inMillis(d time.Duration) float64 {
	return float64(max(d, time.Microsecond)) / float64(time.Millisecond)
}

// sessionTicks marks the sizes that were measured.
type sessionTicks []measured

// Ticks implements plot.Ticker.
func (t sessionTicks) Ticks(_, _ float64) []plot.Tick {
	ticks := make([]plot.Tick, len(t))
	for i, m := range t {
		ticks[i] = plot.Tick{Value: float64(m.size), Label: count(m.size)}
	}
	return ticks
}
