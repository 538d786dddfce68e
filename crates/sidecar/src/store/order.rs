//! Series in the order of their announced labels, out of series in the order of their own.
//!
//! Putting external labels over sorted series turns their order in one case only: a series whose labels are the first ones
//! of the next series (`{a="1"}`, then `{a="1", b="2"}`) comes later when an external label sorts before `b`. So a series is
//! held back as long as the following ones begin with all its labels and sort before it; that are as many as a series has
//! labels at most, and the rest flows through.
//!
//! This holds as long as no series has a label of its own with the name of an external label or of one that is taken off;
//! see [`Reorder::suits`].

use model::labels::Labels;
use storeapi::Series;

/// The series came in another order than that of their labels.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the remote read stream of Prometheus is not sorted: {after} comes after {before}")]
pub(super) struct Unsorted {
    before: Labels,
    after: Labels,
}

/// Brings series into the order of their announced labels.
#[derive(Default)]
pub(super) struct Reorder {
    /// Own labels and series; each begins with the labels of the one before, and sorts before it.
    held: Vec<(Labels, Series)>,
}

impl Reorder {
    /// Whether the method is right for data with these label names.
    pub(super) fn suits(names: &[String], external: &Labels, removed: &[String]) -> bool {
        !names.iter().any(|name| external.has(name) || removed.contains(name))
    }

    /// Takes the next series, `own` being its labels without the external ones, and gives those that are in order now.
    pub(super) fn push(
        &mut self,
        own: Labels,
        series: Series,
        out: &mut impl Extend<Series>,
    ) -> Result<(), Unsorted> {
        if let Some((last, _)) = self.held.last()
            && own < *last
        {
            return Err(Unsorted { before: last.clone(), after: own });
        }
        while let Some((last, held)) = self.held.last() {
            if begins_with(&own, last) && series.labels < held.labels {
                break;
            }
            out.extend(self.held.pop().map(|(_, series)| series));
        }
        self.held.push((own, series));
        Ok(())
    }

    /// Gives the rest.
    pub(super) fn finish(&mut self, out: &mut impl Extend<Series>) {
        out.extend(std::mem::take(&mut self.held).into_iter().rev().map(|(_, series)| series));
    }
}

fn begins_with(labels: &Labels, start: &Labels) -> bool {
    let mut labels = labels.iter();
    start.iter().all(|pair| labels.next() == Some(pair))
}

/// Labels without those that Prometheus has added as external ones, which are in the stream though not in its order.
pub(super) fn own_labels(labels: &Labels, external: &Labels) -> Labels {
    if labels.iter().all(|(name, _)| !external.has(name)) {
        return labels.clone();
    }
    Labels::from_sorted(labels.iter().filter(|(name, value)| external.get(name) != Some(value)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use storeapi::SeriesLabels;

    use super::*;

    fn series(labels: Labels) -> Series {
        Series { labels, chunks: Vec::new() }
    }

    proptest! {
        #[test]
        fn gives_what_sorting_all_gives(
            // Names around those of the external labels, which are g and p.
            sets in prop::collection::vec(prop::collection::btree_map("[a-fh-oq-t]", "[xy]", 0..6), 0..40),
            externals in prop::sample::subsequence(vec!["g", "p"], 0..3),
        ) {
            let external = Labels::from_pairs(externals.iter().map(|name| (*name, "m")));
            let announce = SeriesLabels::new(&external, &[]);
            let mut own: Vec<Labels> = sets.into_iter().map(Labels::from_pairs).collect();
            own.sort();
            own.dedup();
            let mut want: Vec<Labels> = own.iter().map(|labels| announce.apply(labels)).collect();
            want.sort();

            let mut reorder = Reorder::default();
            let mut got: Vec<Series> = Vec::new();
            let mut most = 0;
            for labels in &own {
                let announced = announce.apply(labels);
                prop_assert_eq!(own_labels(&announced, &external), labels.clone());
                reorder.push(labels.clone(), series(announced), &mut got).expect("sorted");
                most = most.max(reorder.held.len());
            }
            reorder.finish(&mut got);
            prop_assert_eq!(got.into_iter().map(|s| s.labels).collect::<Vec<_>>(), want);
            prop_assert!(most <= 7, "{} held", most);
        }
    }

    #[test]
    fn notices_series_out_of_order() {
        let labels = |value: &str| Labels::from_pairs([("a", value)]);
        let mut reorder = Reorder::default();
        let mut out = Vec::new();
        reorder.push(labels("2"), series(labels("2")), &mut out).expect("first");
        let error = reorder.push(labels("1"), series(labels("1")), &mut out).expect_err("before it");
        assert_eq!(error, Unsorted { before: labels("2"), after: labels("1") });
    }

    #[test]
    fn does_not_suit_labels_of_the_same_name() {
        let external = Labels::from_pairs([("cluster", "eu1")]);
        let names = |names: &[&str]| names.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        assert!(Reorder::suits(&names(&["job", "pod"]), &external, &names(&["replica"])));
        assert!(!Reorder::suits(&names(&["cluster"]), &external, &[]));
        assert!(!Reorder::suits(&names(&["replica"]), &external, &names(&["replica"])));
    }
}
