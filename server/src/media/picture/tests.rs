//! What comes out of pictures, and what becomes of things that are none (`docs/protocol.md`, "Pictures").

use super::*;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, GenericImageView, ImageEncoder, Rgba, RgbaImage, load_from_memory_with_format};

const RED: [u8; 3] = [220, 30, 30];
const GREEN: [u8; 3] = [30, 180, 60];
const BLUE: [u8; 3] = [40, 60, 220];

/// A third red, a third green, a third blue, side by side.
fn stripes(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| Rgb([RED, GREEN, BLUE][(x * 3 / width) as usize]))
}

fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(picture).expect("a JPEG");
    bytes
}

fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).expect("a PNG");
    bytes
}

fn webp(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    WebPEncoder::new_lossless(&mut bytes).encode(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).expect("a WebP");
    bytes
}

/// An IHDR or another chunk, with the sum that PNG wants (its specification, annex D).
fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let sum = kind.iter().chain(content).fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    });
    let length = u32::try_from(content.len()).expect("short").to_be_bytes();
    [&length[..], kind, content, &(!sum).to_be_bytes()].concat()
}

fn seen(kept: &[u8]) -> RgbImage {
    let picture = load_from_memory_with_format(kept, ImageFormat::Jpeg).expect("what is kept is a JPEG");
    assert_eq!(picture.dimensions(), (SIDE, SIDE));
    picture.to_rgb8()
}

#[track_caller]
fn assert_shows(picture: &RgbImage, (x, y): (u32, u32), colour: [u8; 3]) {
    let found = picture.get_pixel(x, y).0;
    let far = found.iter().zip(colour).map(|(a, b)| a.abs_diff(b)).max().expect("three");
    assert!(far < 24, "at {x} {y}: {found:?}, not {colour:?}");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|found| found == part)
}

#[test]
fn the_middle_of_each_format_is_kept_as_a_jpeg_of_384_pixels_square() {
    let picture = stripes(900, 300);
    for bytes in [jpeg(&picture), png(&picture), webp(&picture)] {
        let shown = seen(&square(&bytes).expect("a picture"));
        for corner in [(4, 4), (379, 4), (4, 379), (379, 379), (192, 192)] {
            assert_shows(&shown, corner, GREEN);
        }
    }
    // Small ones become as large, tall ones lose their head and feet.
    assert_shows(&seen(&square(&png(&stripes(3, 1))).expect("a picture")), (192, 192), GREEN);
    let tall = seen(&square(&png(&stripes(300, 900))).expect("a picture"));
    assert_shows(&tall, (20, 20), RED);
    assert_shows(&tall, (360, 360), BLUE);
}

/// Where and when somebody was, and with what, is nobody's to know: notes of all kinds are gone, what they say about the right side
/// up is obeyed.
#[test]
fn orientation_is_honoured_and_every_note_is_gone() {
    // Little-endian TIFF with two entries: orientation 6 (a quarter turn to the right), and a text of where it was.
    let place = b"52.5200N 13.4050E";
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0".to_vec();
    exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
    exif.extend([0x0e, 0x01, 2, 0, place.len() as u8, 0, 0, 0, 38, 0, 0, 0, 0, 0, 0, 0]);
    exif.extend(place);
    let segment = |mark: u8, content: &[u8]| [&[0xff, mark, 0, content.len() as u8 + 2], content].concat();
    let plain = jpeg(&stripes(384, 384));
    let with_notes = [&plain[..2], &segment(0xe1, &exif), &segment(0xfe, b"a secret note"), &plain[2..]].concat();
    let kept = square(&with_notes).expect("a picture");
    let shown = seen(&kept);
    assert_shows(&shown, (192, 20), RED);
    assert_shows(&shown, (192, 192), GREEN);
    assert_shows(&shown, (192, 360), BLUE);
    for gone in [&b"Exif"[..], place, b"a secret note"] {
        assert!(contains(&with_notes, gone) && !contains(&kept, gone));
    }

    let plain = png(&stripes(384, 384));
    let noted = [&plain[..33], &chunk(b"tEXt", b"Comment\0a secret note"), &chunk(b"eXIf", &exif[6..]), &plain[33..]].concat();
    let kept = square(&noted).expect("a picture");
    assert_shows(&seen(&kept), (192, 20), RED);
    assert!(!contains(&kept, b"a secret note") && !contains(&kept, place));
    // Exactly what a JPEG needs: SOI, JFIF, tables, frame, scan.
    let marks: Vec<u8> = kept.windows(2).filter(|pair| pair[0] == 0xff && (0xc0..=0xfe).contains(&pair[1])).map(|pair| pair[1]).collect();
    assert!(marks.iter().all(|mark| matches!(mark, 0xc0 | 0xc4 | 0xd8..=0xdb | 0xe0)), "{marks:02x?}");
}

/// A page or an archive behind a picture is a file that is two: what is kept is one.
#[test]
fn a_polyglot_loses_its_second_half() {
    let script = b"<script>alert(1)</script>PK\x03\x04";
    for bytes in [jpeg(&stripes(400, 400)), png(&stripes(400, 400)), webp(&stripes(400, 400))] {
        let kept = square(&[&bytes[..], script].concat()).expect("a picture");
        assert!(!contains(&kept, b"script") && !contains(&kept, b"PK\x03\x04"));
        assert_eq!(kept, square(&bytes).expect("a picture"), "it is what it would be without");
    }
}

#[test]
fn what_is_transparent_shows_paper_and_not_what_lies_beneath() {
    let hidden = RgbaImage::from_fn(384, 384, |x, _| Rgba([255, 0, 0, if x < 192 { 0 } else { 255 }]));
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(&hidden, 384, 384, ExtendedColorType::Rgba8).expect("a PNG");
    let shown = seen(&square(&bytes).expect("a picture"));
    assert_shows(&shown, (40, 192), [PAPER; 3]);
    assert_shows(&shown, (340, 192), [255, 0, 0]);
}

/// The header alone refuses: none of these has the pixels that it announces, so a decoder that began would find them broken.
#[test]
fn huge_dimensions_are_refused_by_the_header_before_anything_is_decoded() {
    let huge = |width: u32, height: u32| {
        let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
        [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", b"x")].concat()
    };
    for (width, height) in [(60_000, 60_000), (0x7fff_ffff, 0x7fff_ffff), (4_097, 1), (1, 4_097), (4_096, 4_096), (4_096, 2_049)] {
        assert_eq!(square(&huge(width, height)), Err(Wrong::TooLarge), "{width} by {height}");
    }
    assert_eq!(square(&huge(4_096, 2_048)), Err(Wrong::Broken), "one that is small enough is looked into");

    let mut bytes = jpeg(&stripes(64, 64));
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
    bytes[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert_eq!(square(&bytes), Err(Wrong::TooLarge));

    let mut bytes = webp(&stripes(64, 64));
    let size = bytes.windows(4).position(|four| four == *b"VP8L").expect("a chunk") + 9;
    for side in [16_382u32, 16_383] {
        bytes[size..size + 4].copy_from_slice(&(side | side << 14).to_le_bytes());
        assert_eq!(square(&bytes), Err(Wrong::TooLarge));
    }
}

/// A WebP of 10 by 10 whose frame is 16,383 by 16,383 makes a decoder ask for 400 megabytes before it sees that the two differ, and
/// one whose notes say that they are four gigabytes long for as much.
#[test]
fn what_a_webp_says_within_is_not_believed_more_than_its_header() {
    let part = |name: &[u8; 4], content: &[u8]| [&name[..], &(content.len() as u32).to_le_bytes(), content].concat();
    let file = |parts: &[u8]| [&b"RIFF"[..], &(parts.len() as u32 + 4).to_le_bytes(), b"WEBP", parts].concat();
    let frame = [&[0x10, 0x02, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f][..], &[0; 40]].concat();
    let canvas = |flags: u8| part(b"VP8X", &[flags, 0, 0, 0, 9, 0, 0, 9, 0, 0]);
    assert_eq!(square(&file(&[canvas(0), part(b"VP8 ", &frame)].concat())), Err(Wrong::TooLarge));
    let film = [&[0, 0, 0, 0, 0, 0, 9, 0, 0, 9, 0, 0, 1, 0, 0, 0][..], &part(b"VP8 ", &frame)].concat();
    assert_eq!(square(&file(&[canvas(2), part(b"ANIM", &[0; 6]), part(b"ANMF", &film)].concat())), Err(Wrong::TooLarge));

    let picture = webp(&stripes(20, 20));
    let mut notes = part(b"EXIF", b"II");
    notes[4..8].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
    let noted = part(b"VP8X", &[8, 0, 0, 0, 19, 0, 0, 19, 0, 0]);
    assert_eq!(square(&file(&[&noted[..], &picture[12..], &notes].concat())), Err(Wrong::Broken));
    assert!(square(&file(&[&noted[..], &picture[12..], &part(b"EXIF", b"II")].concat())).is_ok());

    // What only a lossless part can cost is bounded by its length.
    for name in [b"VP8L", b"ALPH", b"ANMF", b"EXIF"] {
        let (fits, too_long) = (part(name, &[0; LOSSLESS_MAX_BYTES]), part(name, &[0; LOSSLESS_MAX_BYTES + 2]));
        assert_eq!(square(&file(&[canvas(0), too_long].concat())), Err(Wrong::TooLarge));
        assert_eq!(square(&file(&[canvas(0), fits].concat())), Err(Wrong::Broken));
    }
}

/// A few kilobytes that become 24 megabytes are the most there is: they are decoded, and nothing larger is.
#[test]
fn a_decompression_bomb_is_as_large_as_its_header_says_and_no_larger() {
    let largest = png(&RgbImage::from_pixel(4_096, 2_048, Rgb(GREEN)));
    assert!(largest.len() < BODY_MAX_BYTES);
    assert_shows(&seen(&square(&largest).expect("a picture")), (192, 192), GREEN);
    // The header says one pixel, the data are those of eight million.
    let mut small = largest.clone();
    small.splice(8..33, chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]));
    assert_eq!(seen(&square(&small).expect("its first pixel")).width(), SIDE);
    // Sixteen bits of four colours would be twice what a decoder may ask for.
    let head = [&4_096u32.to_be_bytes()[..], &2_048u32.to_be_bytes(), &[16, 6, 0, 0, 0]].concat();
    assert_eq!(square(&[&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", b"x")].concat()), Err(Wrong::TooLarge));
}

/// A progressive JPEG goes over all of its pixels once for each scan, and a scan may be ten bytes long: fifty thousand fit in. The
/// decoder stops at a hundred.
#[test]
fn a_jpeg_of_many_scans_is_not_gone_over_for_ever() {
    let segment = |mark: u8, content: &[u8]| [&[0xff, mark], &(content.len() as u16 + 2).to_be_bytes()[..], content].concat();
    let table = |class: u8, symbol: u8| segment(0xc4, &[&[class, 1][..], &[0; 15], &[symbol]].concat());
    let frame = segment(0xc2, &[8, 8, 0, 16, 0, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    let head = [&[0xff, 0xd8][..], &segment(0xdb, &[&[0][..], &[1; 64]].concat()), &frame, &table(0, 0), &table(0x10, 0xe0)].concat();
    // A bit a block for the first scan: 131,072 blocks of three colours, each the same as before. Then runs of 32,767 empty blocks.
    let first = [&segment(0xda, &[3, 1, 0, 2, 0, 3, 0, 0, 0, 0])[..], &[0; 131_072 * 3 / 8]].concat();
    let empty = [&segment(0xda, &[1, 1, 0, 1, 63, 0])[..], &[0x7f, 0xfe, 0xff, 0, 0xfd, 0xff, 0, 0xfb, 0xff, 0, 0xf7, 0xff, 0]].concat();
    let of = |scans: usize| [&head[..], &first, &empty.repeat(scans), &[0xff, 0xd9]].concat();
    assert!(square(&of(3)).is_ok());
    assert_eq!(square(&of(20_000)), Err(Wrong::Broken));
}

#[test]
fn a_truncated_file_is_broken_at_every_length() {
    let picture = stripes(120, 80);
    for bytes in [jpeg(&picture), png(&picture), webp(&picture)] {
        assert!(square(&bytes).is_ok());
        // Below twelve bytes a WebP cannot be told; the last bytes of a PNG are only its end.
        for length in (0..bytes.len() - 16).step_by(7) {
            let cut = square(&bytes[..length]);
            assert!(matches!(cut, Err(Wrong::Broken | Wrong::Unknown)), "{length} of {}: {cut:?}", bytes.len());
        }
    }
}

#[test]
fn no_damage_makes_the_decoder_fall() {
    let picture = stripes(90, 70);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for whole in [jpeg(&picture), png(&picture), webp(&picture)] {
        for _ in 0..120 {
            let mut bytes = whole.clone();
            for _ in 0..=draw(4) {
                let at = draw(bytes.len());
                bytes[at] = draw(256) as u8;
            }
            if let Ok(kept) = square(&bytes) {
                seen(&kept);
            }
        }
    }
}

#[test]
fn what_is_none_of_the_three_is_unknown_whatever_it_calls_itself() {
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    for bytes in [&b""[..], gif, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<!doctype html>", b"%PDF-1.7", b"BM\x3a\0\0\0", b"II*\0"] {
        assert_eq!(square(bytes), Err(Wrong::Unknown));
    }
}
