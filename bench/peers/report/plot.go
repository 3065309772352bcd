package report

import (
	"bytes"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// Size of the plot, in points. It has a white background, for dark pages too.
const (
	plotWidth  = vg.Length(570)
	plotHeight = vg.Length(260)
	margin     = vg.Length(10)
)

// Plot draws the rates of the GETs as SVG: bars with the median, lines from the
// lowest to the highest round.
func (r Report) Plot() ([]byte, error) {
	p := plot.New()
	p.Title.Text = "GET behind each one's session check, server on one core"
	p.X.Label.Text = "requests per second: median, and lowest to highest round (" + r.Date.Format("2006-01-02") + ", " + r.CPU + ")"
	p.X.Min = 0
	style(p)
	p.Add(verticalGrid()) // first, and so behind the bars
	all := servers.All()
	names := make([]string, len(all))
	for i, s := range all {
		row := len(all) - 1 - i // rows count from below
		names[row] = s.Label
		if err := r.addBar(p, s, float64(row)); err != nil {
			return nil, err
		}
	}
	p.NominalY(names...)
	p.X.Max *= 1.12 // room for the figure of the longest bar
	return svg(p)
}

// addBar draws one server's bar, its spread and its figure.
func (r Report) addBar(p *plot.Plot, s servers.Server, row float64) error {
	rates := figure(r.of(Get, s.Name), rate)
	bar, err := plotter.NewBarChart(plotter.Values{rates.Median}, vg.Points(16))
	if err != nil {
		return err
	}
	bar.Horizontal, bar.XMin, bar.LineStyle.Width = true, row, 0
	bar.Color = color.RGBA{R: 0x9a, G: 0xa7, B: 0xb5, A: 0xff}
	if s.Name == "kit" {
		bar.Color = color.RGBA{R: 0x1f, G: 0x6f, B: 0xd1, A: 0xff}
	}
	whisker, err := plotter.NewLine(plotter.XYs{{X: rates.Min, Y: row}, {X: rates.Max, Y: row}})
	if err != nil {
		return err
	}
	whisker.Width, whisker.Color = vg.Points(1.5), color.Gray{Y: 0x30}
	text, err := plotter.NewLabels(plotter.XYLabels{
		XYs: plotter.XYs{{X: rates.Max, Y: row}}, Labels: []string{count(rates.Median)},
	})
	if err != nil {
		return err
	}
	text.TextStyle[0].Font = sans(9)
	text.TextStyle[0].YAlign = draw.YCenter
	text.Offset = vg.Point{X: vg.Points(5), Y: vg.Points(1.5)}
	p.Add(bar, whisker, text)
	return nil
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// style sets the fonts here, since gonum's default is a variable of its package.
func style(p *plot.Plot) {
	p.BackgroundColor = color.White
	p.Title.TextStyle.Font = sans(12)
	p.Title.Padding = vg.Points(8)
	p.X.Label.TextStyle.Font = sans(8.5)
	p.X.Label.Padding = vg.Points(4)
	p.X.Tick.Label.Font = sans(8.5)
	p.X.Tick.Marker = grouped{}
	p.Y.Tick.Label.Font = sans(9)
}

func verticalGrid() *plotter.Grid {
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	grid.Vertical.Color = color.Gray{Y: 0xe0}
	return grid
}

// grouped are ticks with 10,000 where gonum writes 10000.
type grouped struct{}

// Ticks are gonum's, with other labels.
func (grouped) Ticks(lowest, highest float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(lowest, highest)
	for i, tick := range ticks {
		if !tick.IsMinor() {
			ticks[i].Label = count(tick.Value)
		}
	}
	return ticks
}

// svg draws p. Browsers without the font that gonum measures with get one of
// the same widths.
func svg(p *plot.Plot) ([]byte, error) {
	canvas := vgsvg.New(plotWidth, plotHeight)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Path())
	p.Draw(draw.Crop(page, margin, -margin, margin, -margin))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif")), nil
}
