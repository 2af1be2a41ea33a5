//! README.md promises two commands, in its first two code blocks.

fn code_blocks(page: &str) -> Vec<&str> {
    let inside = page.split("\n```").skip(1).step_by(2);
    inside
        .filter_map(|block| block.split_once('\n').map(|(_, code)| code.trim()))
        .collect()
}

#[test]
fn the_first_two_code_blocks_are_the_two_commands() {
    let page = crate::read("README.md");
    assert_eq!(
        code_blocks(&page)[..2],
        ["cargo xtask demo", "cargo xtask test"]
    );
}

#[test]
fn every_xtask_command_in_the_pages_exists() {
    let help = std::process::Command::new(env!("CARGO"))
        .args(["xtask", "--help"])
        .current_dir(crate::root())
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let mut commands = 0;
    for path in pages() {
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, mark) in text.match_indices("cargo xtask ") {
            let rest = &text[at + mark.len()..];
            let name: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
            if name.is_empty() {
                continue;
            }
            commands += 1;
            let known = help
                .lines()
                .any(|line| line.split_whitespace().next() == Some(&name));
            assert!(
                known,
                "{}: cargo xtask {name} does not exist",
                path.display()
            );
        }
    }
    assert!(commands >= 2, "the README alone names two");
}

fn pages() -> Vec<std::path::PathBuf> {
    let mut pages = vec![crate::root().join("README.md")];
    let documents = std::fs::read_dir(crate::root().join("docs")).unwrap();
    pages.extend(
        documents
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "md")),
    );
    pages
}
