/// Builds an example of this package, as this test was built, and gives its path. Where it is built already Cargo does nothing.
fn example(name: &str) -> std::path::PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let profile = test.parent().and_then(std::path::Path::parent).expect("target/<profile>/deps");
    let mut cargo = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", env!("CARGO_PKG_NAME"), "--example", name]);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success(), "the example could not be built");
    profile.join("examples").join(name)
}
