//! Samples: fixes averaged over a few seconds, and how far they can be believed.
use super::spot::Spot;

/// A sample averages the fixes of this long, milliseconds: with good accuracy, and otherwise...
pub(super) const SAMPLE_MS: (i64, i64) = (2_000, 5_000);
/// ...and then at least so many of them...
const SAMPLE_FIXES: u32 = 3;
/// ...unless that takes longer than this.
pub(super) const LONGEST_SAMPLE_MS: i64 = 15_000;
/// Accuracy up to which the shorter samples do, metres.
pub(super) const GOOD_M: f32 = 5.0;
/// Of how many samples their scatter is worked out: what a receiver says of its accuracy is not always true.
const SCATTER_SAMPLES: u16 = 16;
/// So many show it.
const SCATTER_KNOWN: u16 = 6;
/// How far apart those may be, milliseconds, of someone who walks (and turns corners), and who stands.
const SCATTER_MS: (i64, i64) = (10_000, 60_000);
/// One sample counts for no more than this, square metres: it may have been a corner.
const SCATTER_MOST: f32 = 900.0;
/// A scatter this many times what was to be expected shows that the accuracy was not true.
const SCATTER_LIE: f32 = 1.25;

/// The average of a few seconds of fixes.
pub(super) struct Sample {
    pub spot: Spot,
    pub fixes: u32,
    /// Accuracy of the fixes in it, metres.
    pub accuracy: f32,
    /// What is left of it after averaging, metres.
    pub noise: f32,
    /// Mean of the speeds that the device named, m/s.
    pub speed: Option<f32>,
    /// Whether it is known how far that can be believed, as far as it can be.
    pub tried: bool,
}

/// Fixes that are being averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bucket {
    first: Spot,
    /// Sums of the differences from `first`.
    north: i64,
    east: i64,
    elapsed: i64,
    count: u32,
    /// The worst accuracy, metres.
    accuracy: f32,
    /// Sum of the speeds that the device named, and how many.
    speed: (f32, u32),
}

impl Bucket {
    pub fn add(&mut self, spot: Spot, accuracy: f32, speed: Option<f32>) {
        if self.count == 0 {
            self.first = spot;
        }
        self.north += i64::from(spot.lat) - i64::from(self.first.lat);
        self.east += spot.east_of(self.first);
        self.elapsed += spot.t - self.first.t;
        self.count += 1;
        self.accuracy = self.accuracy.max(accuracy);
        if let Some(speed) = speed {
            self.speed = (self.speed.0 + speed, self.speed.1 + 1);
        }
    }

    pub fn is_full(&self, t: i64) -> bool {
        let lasted = t - self.first.t;
        if self.accuracy <= GOOD_M {
            return lasted >= SAMPLE_MS.0;
        }
        lasted >= LONGEST_SAMPLE_MS || (lasted >= SAMPLE_MS.1 && self.count >= SAMPLE_FIXES)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "means of small differences")]
    pub fn average(self) -> Option<Sample> {
        if self.count == 0 {
            return None;
        }
        let count = i64::from(self.count);
        let spot = Spot {
            lat: self.first.lat.wrapping_add((self.north / count) as i32),
            lon: self.first.lon.wrapping_add((self.east / count) as i32),
            t: self.first.t + self.elapsed / count,
        };
        let noise = self.accuracy / (self.count as f32).sqrt();
        let speed = (self.speed.1 > 0).then(|| self.speed.0 / self.speed.1 as f32);
        Some(Sample { spot, fixes: self.count, accuracy: self.accuracy, noise, speed, tried: false })
    }
}

/// By how much samples scatter about a straight and even line, whatever their receiver claims.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scatter {
    /// The two newest samples, newest first.
    latest: [Spot; 2],
    /// Square metres.
    mean: f32,
    /// Of how many samples.
    samples: u16,
}

impl Scatter {
    /// Takes a sample to be as noisy as its like have been, if that is more than they claimed.
    pub fn correct(&mut self, sample: &mut Sample, standing: bool) {
        let [middle, first] = self.latest;
        self.latest = [sample.spot, middle];
        let longest = if standing { SCATTER_MS.1 } else { SCATTER_MS.0 };
        let pauses = [sample.spot.t - middle.t, middle.t - first.t];
        if pauses.iter().all(|pause| (1..=longest).contains(pause)) {
            let share = middle.seconds_since(first) / sample.spot.seconds_since(first);
            let ((e, n), (east, north)) = (middle.from(first), sample.spot.from(first));
            let (off_e, off_n) = (e - share * east, n - share * north);
            // Two axes; the ends of the line err as well.
            let errs = 2.0 * (1.0 + share * share + (1.0 - share) * (1.0 - share));
            let off = ((off_e * off_e + off_n * off_n) / errs).min(SCATTER_MOST);
            self.samples = self.samples.saturating_add(1).min(SCATTER_SAMPLES);
            self.mean += (off - self.mean) / f32::from(self.samples);
        }
        let known = self.samples >= SCATTER_KNOWN;
        sample.tried = known || pauses.iter().any(|pause| *pause > SCATTER_MS.0);
        let noise = self.mean.sqrt();
        if known && noise > SCATTER_LIE * sample.noise {
            sample.accuracy *= noise / sample.noise;
            sample.noise = noise;
        }
    }
}
