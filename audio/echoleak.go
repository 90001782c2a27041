package audio

const (
	leakBands = 16
	leakKeep  = 0.99 // a block: looks back over half a second
	leakLeast = 0.001
	leakFaint = 1e-9 // power of an echo that is none
	leakFirst = 0.5  // before anything is known
)

// echoLeak estimates how much of an echo the canceller leaves, band by band: how far the power of what is left follows the
// power of the echo that was taken away (as in speexdsp). Speech over the echo follows it no more than it runs against it.
type echoLeak struct {
	left, echo      [leakBands]float32 // means of the powers
	cross, variance [leakBands]float32
	share           [leakBands]float32
}

// leakBand is each line's band: narrow below, wide above.
var leakBand = func() (bands [noiseLines]uint8) {
	band, edge := uint8(0), 8
	for k := range bands {
		if k == edge && band < leakBands-1 {
			band++
			edge += edge/4 + 2
		}
		bands[k] = band
	}
	return
}()

func (l *echoLeak) note(left, echo spectrum) {
	var a, b [leakBands]float32
	for k, band := range leakBand {
		a[band] += left.re[k]*left.re[k] + left.im[k]*left.im[k]
		b[band] += echo.re[k]*echo.re[k] + echo.im[k]*echo.im[k]
	}
	for i := range a {
		if l.echo[i] == 0 {
			l.share[i] = leakFirst
		}
		if b[i] < leakFaint && l.echo[i] < leakFaint {
			continue
		}
		l.left[i] += (1 - leakKeep) * (a[i] - l.left[i])
		l.echo[i] += (1 - leakKeep) * (b[i] - l.echo[i])
		x, y := b[i]-l.echo[i], a[i]-l.left[i]
		l.cross[i] = leakKeep*l.cross[i] + x*y
		l.variance[i] = leakKeep*l.variance[i] + x*x
		l.share[i] = min(max(l.cross[i]/(l.variance[i]+1e-15), leakLeast), 1)
	}
}

// at is the share of the echo's power that may be left in line k.
func (l *echoLeak) at(k int) float32 { return l.share[leakBand[k]] }
