//! What the stages of `Dockerfile` hold, as far as its text says.

use std::collections::BTreeSet;

use crate::programs;

/// A stage, from its `FROM` to the next.
pub(crate) struct Stage {
    pub(crate) name: String,
    /// An image, or the name of an earlier stage.
    pub(crate) base: String,
    pub(crate) text: String,
}

/// In the order of the file; the last is what is built unless another is asked for.
pub(crate) fn stages(dockerfile: &str) -> Vec<Stage> {
    let stages = dockerfile.split("\nFROM ").skip(1).map(|text| {
        let (first, rest) = text.split_once('\n').unwrap();
        let words: Vec<_> = first.split_whitespace().collect();
        assert!(words.len() == 3 && words[1] == "AS", "FROM {first}");
        Stage {
            name: words[2].to_owned(),
            base: words[0].to_owned(),
            text: rest.to_owned(),
        }
    });
    stages.collect()
}

impl Stage {
    /// The programs that it copies from stages that build them.
    pub(crate) fn programs(&self, stages: &[Self]) -> BTreeSet<String> {
        let copies = self.text.lines().filter_map(|line| {
            let from = line.strip_prefix("COPY --from=")?;
            from.strip_suffix(" /programs/ /usr/local/bin/")
        });
        let builders = copies.map(|name| stages.iter().find(|stage| stage.name == name).unwrap());
        builders.flat_map(Self::built).collect()
    }

    fn built(&self) -> impl Iterator<Item = String> {
        let words: BTreeSet<_> = self
            .text
            .split(|c: char| c.is_whitespace() || c == ';')
            .collect();
        programs::NAMES.into_iter().filter_map(move |program| {
            let path = format!("target/release/{program}");
            let named = words.contains(program) || words.contains(path.as_str());
            // The package of the command line has another name.
            let package = if program == "atlas" {
                "atlas-cli"
            } else {
                program
            };
            (named && words.contains(package)).then(|| program.to_owned())
        })
    }
}

/// Who runs the programs of the stage.
pub(crate) fn user<'a>(stage: &'a Stage, stages: &'a [Stage]) -> Option<&'a str> {
    let lines = stage.text.lines();
    let own = lines
        .filter_map(|line| line.strip_prefix("USER "))
        .next_back();
    own.or_else(|| {
        let base = stages.iter().find(|earlier| earlier.name == stage.base)?;
        user(base, stages)
    })
}
