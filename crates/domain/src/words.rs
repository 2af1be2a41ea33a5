//! Closed sets of words: enums of which each variant is one word in rows, requests and answers.

/// Defines such an enum. It has its words in [`as_str`], `Display`, `FromStr` and serde, and all of
/// them in `ALL` and `WORDS`, in the order of the definition. The text after the name says what one
/// of them is.
///
/// [`as_str`]: crate::run::Status::as_str
macro_rules! words {
    (
        $(#[$meta:meta])+
        $vis:vis enum $name:ident: $what:literal {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        $vis enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word of every one.
            pub const WORDS: [&'static str; [$($word),+].len()] = [$($word),+];

            /// The word in rows, requests and answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::words::UnknownWord {
                        what: $what,
                        known: &Self::WORDS,
                    }),
                }
            }
        }
    };
}

pub(crate) use words;

/// A text that is none of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what}; use one of {}", known.join(", "))]
pub struct UnknownWord {
    pub(crate) what: &'static str,
    pub(crate) known: &'static [&'static str],
}

#[cfg(test)]
mod tests {
    use crate::run::{Outcome, Status};

    #[test]
    fn a_word_is_the_same_in_rust_and_in_json() {
        for (outcome, word) in Outcome::ALL.into_iter().zip(Outcome::WORDS) {
            assert_eq!(
                (outcome.as_str(), outcome.to_string()),
                (word, word.to_owned())
            );
            assert_eq!(word.parse(), Ok(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), word);
            assert_eq!(
                serde_json::from_value::<Outcome>(word.into()).unwrap(),
                outcome
            );
        }
    }

    #[test]
    fn an_unknown_word_is_refused_with_those_that_are_known() {
        let error = "paused".parse::<Status>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown status; use one of queued, running, completed"
        );
    }
}
