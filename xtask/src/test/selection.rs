//! Which tests run, in a way that builds nothing again: cargo gives the same crate other features when
//! other packages are selected, and compiles it once more. So the whole workspace stays selected, and
//! packages become a filter of the test runner's.

/// Flags of cargo that select targets. Without one of them, all targets are.
const TARGETS: [&str; 8] = [
    "--lib",
    "--bin",
    "--bins",
    "--test",
    "--tests",
    "--example",
    "--bench",
    "--all-targets",
];

/// The arguments for nextest that run what `given` selects of the build of the whole workspace.
pub(super) fn of_one_build(given: &[String]) -> Vec<String> {
    let (mut packages, mut filters, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = given.iter();
    while let Some(argument) = rest.next() {
        let (flag, value) = match argument.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
            _ => (argument.as_str(), None),
        };
        let of = match flag {
            "-p" | "--package" => &mut packages,
            "-E" | "--filterset" | "--filter-expr" => &mut filters,
            _ => {
                others.push(argument.clone());
                continue;
            }
        };
        match value.or_else(|| rest.next().map(String::as_str)) {
            Some(value) => of.push(value.to_owned()),
            // The runner says what is missing.
            None => others.push(argument.clone()),
        }
    }
    let mut arguments = vec!["--workspace".to_owned()];
    let selects_targets = |argument: &String| {
        let flag = argument.split('=').next().unwrap_or_default();
        TARGETS.contains(&flag)
    };
    if !others.iter().any(selects_targets) {
        arguments.push("--all-targets".to_owned());
    }
    let packages: Vec<_> = packages
        .iter()
        .map(|name| format!("package(={name})"))
        .collect();
    let filters: Vec<_> = filters.iter().map(|filter| format!("({filter})")).collect();
    let both: Vec<_> = [packages, filters]
        .iter()
        .filter(|some| !some.is_empty())
        .map(|some| format!("({})", some.join(" | ")))
        .collect();
    if !both.is_empty() {
        arguments.extend(["-E".to_owned(), both.join(" & ")]);
    }
    arguments.extend(others);
    arguments
}

#[cfg(test)]
mod tests {
    use super::of_one_build;

    fn selected(given: &str) -> String {
        let given: Vec<_> = given.split(' ').map(str::to_owned).collect();
        of_one_build(&given).join(" ")
    }

    #[test]
    fn packages_become_a_filter_of_the_whole_workspace() {
        assert_eq!(
            selected("-p atlas-store inventory"),
            "--workspace --all-targets -E (package(=atlas-store)) inventory"
        );
        assert_eq!(
            selected("-p a --package=b --test house"),
            "--workspace -E (package(=a) | package(=b)) --test house"
        );
        assert_eq!(of_one_build(&[]), ["--workspace", "--all-targets"]);
    }

    #[test]
    fn a_filter_of_the_caller_holds_within_the_packages() {
        assert_eq!(
            selected("-p a -E test(one) -E test(two)"),
            "--workspace --all-targets -E (package(=a)) & ((test(one)) | (test(two)))"
        );
    }
}
