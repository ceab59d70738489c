//! Sets of cores as the kernel writes them: lists (`0-3,8`) and masks (`ff,00000003`).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// No kernel knows a core beyond this number.
const CPUS_MAX: usize = 8_192;

/// Some cores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpus(BTreeSet<usize>);

impl Cpus {
    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One by one, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().copied()
    }

    /// True where this one is among them.
    pub fn holds(&self, cpu: usize) -> bool {
        self.0.contains(&cpu)
    }

    /// Those that are not among the others.
    pub fn without(&self, others: &Self) -> Self {
        Self(self.0.difference(&others.0).copied().collect())
    }

    /// Those that are among the others too.
    pub fn both(&self, others: &Self) -> Self {
        Self(self.0.intersection(&others.0).copied().collect())
    }

    /// Reads a mask: groups of eight hexadecimal digits, the highest cores first.
    pub fn from_mask(text: &str) -> Option<Self> {
        let digits: String = text.trim().split(',').collect();
        let known = digits.len() <= CPUS_MAX / 4 && !digits.is_empty();
        let mut cpus = BTreeSet::new();
        for (place, digit) in digits.chars().rev().enumerate() {
            let digit = digit.to_digit(16)?;
            cpus.extend(
                (0..4)
                    .filter(|bit| digit >> bit & 1 == 1)
                    .map(|bit| 4 * place + bit),
            );
        }
        known.then_some(Self(cpus))
    }

    /// The same as a mask.
    pub fn mask(&self) -> String {
        let groups = self.0.last().map_or(1, |last| last / 32 + 1);
        let mut words = vec![0_u32; groups];
        for cpu in &self.0 {
            words[cpu / 32] |= 1 << (cpu % 32);
        }
        let mut groups = words.iter().rev();
        let mut text = groups
            .next()
            .map_or_else(String::new, |word| format!("{word:x}"));
        for word in groups {
            text.push_str(&format!(",{word:08x}"));
        }
        text
    }
}

impl FromIterator<usize> for Cpus {
    fn from_iter<T: IntoIterator<Item = usize>>(cpus: T) -> Self {
        Self(cpus.into_iter().collect())
    }
}

/// Reads a list: `0-3,8`, `0-7:1/2` (one of each two), nothing, or `(null)`.
impl FromStr for Cpus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        if text.is_empty() || text == "(null)" {
            return Ok(Self::default());
        }
        let number = |text: &str| match text.trim().parse::<usize>() {
            Ok(cpu) if cpu < CPUS_MAX => Ok(cpu),
            _ => Err(()),
        };
        let mut cpus = BTreeSet::new();
        for part in text.split(',') {
            let (range, stride) = part.split_once(':').unwrap_or((part, "1/1"));
            let (used, group) = stride.split_once('/').ok_or(())?;
            let (used, group) = (number(used)?, number(group)?);
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (number(first)?, number(last)?);
            if group == 0 || last < first {
                return Err(());
            }
            cpus.extend((first..=last).filter(|cpu| (cpu - first) % group < used));
        }
        Ok(Self(cpus))
    }
}

/// As a list.
impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.iter().copied().peekable();
        let mut comma = "";
        while let Some(first) = rest.next() {
            let mut last = first;
            while let Some(next) = rest.next_if_eq(&(last + 1)) {
                last = next;
            }
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Cpus {
        text.parse().expect(text)
    }

    #[test]
    fn lists_are_read_in_every_spelling_of_the_kernel() {
        assert_eq!(list("0-3,8").iter().collect::<Vec<_>>(), [0, 1, 2, 3, 8]);
        assert_eq!(list("0-7:1/2").to_string(), "0,2,4,6");
        assert!(list("").is_empty() && list("(null)").is_empty() && list("\n").is_empty());
        for bad in [
            "x",
            "3-1",
            "1,,2",
            "0-99999999999",
            "9999",
            "1:0/0",
            "1:1",
            "-1",
        ] {
            assert!(bad.parse::<Cpus>().is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_and_masks_are_written_as_they_were_read() {
        for text in ["0", "0-1", "0,2-3,5", "0-63,127"] {
            assert_eq!(list(text).to_string(), text);
            assert_eq!(
                Cpus::from_mask(&list(text).mask()),
                Some(list(text)),
                "{text}"
            );
        }
        assert_eq!(list("0-1,32").mask(), "1,00000003");
        assert_eq!(Cpus::from_mask("ffffffff,00000000"), Some(list("32-63")));
        assert_eq!(Cpus::default().mask(), "0");
        assert_eq!([Cpus::from_mask("g"), Cpus::from_mask("")], [None, None]);
    }

    #[test]
    fn sets_are_taken_apart() {
        let (all, lanes) = (list("0-3"), list("2-4"));
        assert_eq!(all.without(&lanes).to_string(), "0-1");
        assert_eq!(all.both(&lanes), list("2-3"));
        assert!(lanes.holds(4) && !lanes.holds(0));
    }
}
