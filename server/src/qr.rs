//! A QR code (ISO/IEC 18004) as lines of text, two modules a character. A camera wants dark on light, and a terminal may be either:
//! so where colours may be used both are said, by the fixed numbers that no theme changes. Where they may not the light modules are
//! drawn, which is right on a dark terminal; most cameras read it on a light one too.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// Black on white, of the 256 colours.
const DARK_ON_LIGHT: &str = "\u{1b}[38;5;16;48;5;231m";
const RESET: &str = "\u{1b}[0m";

/// The code's lines, each of the same width; none for a text that is too long for a code.
pub fn lines(text: &str, colours: bool) -> Vec<String> {
    // Nothing of it gets dirty or torn on a screen: the lowest level makes the largest modules.
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::L) else { return Vec::new() };
    let mut drawing = code.render::<Dense1x2>();
    if !colours {
        drawing.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark);
    }
    let drawn = drawing.quiet_zone(true).module_dimensions(1, 1).build();
    drawn.lines().map(|line| if colours { format!("{DARK_ON_LIGHT}{line}{RESET}") } else { line.into() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://192.168.100.100:65535";

    /// What a camera reads off these lines, on a terminal whose letters are dark or light.
    fn read(lines: &[String], letters_are_dark: bool) -> String {
        let rows: Vec<[Vec<bool>; 2]> = lines
            .iter()
            .map(|line| {
                let halves = |half: [char; 2]| line.chars().map(|c| (c == '█' || half.contains(&c)) == letters_are_dark).collect();
                assert!(line.chars().all(|c| " █▀▄".contains(c)), "{line}");
                [halves(['▀', '▀']), halves(['▄', '▄'])]
            })
            .collect();
        let modules: Vec<&Vec<bool>> = rows.iter().flatten().collect();
        // Four pixels a module, as an eye has more of them than a code.
        let (width, height) = (modules[0].len() * 4, modules.len() * 4);
        let mut seen = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| if modules[y / 4][x / 4] { 0 } else { 255 });
        let grids = seen.detect_grids();
        let [grid] = grids.as_slice() else { panic!("one code: {lines:#?}") };
        grid.decode().expect("it is read").1
    }

    #[test]
    fn a_camera_reads_the_address_off_a_dark_terminal_and_off_a_light_one() {
        let coloured = lines(URL, true);
        assert!(coloured.iter().all(|line| line.starts_with(DARK_ON_LIGHT) && line.ends_with(RESET)), "whatever the terminal's own are");
        let bare: Vec<String> =
            coloured.iter().map(|line| line.trim_start_matches(DARK_ON_LIGHT).trim_end_matches(RESET).to_string()).collect();
        assert_eq!(read(&bare, true), URL);
        assert_eq!(read(&lines(URL, false), false), URL, "without colours, on a dark terminal");
    }

    #[test]
    fn it_fits_an_ordinary_terminal() {
        let bare = lines(URL, false);
        assert!(bare.len() <= 20, "{}", bare.len());
        assert!(bare.iter().all(|line| line.chars().count() <= 60 && line.chars().count() == bare[0].chars().count()), "{bare:#?}");
        assert!(lines(&"x".repeat(10_000), false).is_empty());
    }
}
