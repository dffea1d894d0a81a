//! From whatever somebody sends to the one form in which pictures are kept: a JPEG of 384 by 384 pixels without a word beside them.
//!
//! What comes in was made by a stranger. It is judged by its own first bytes, never by what it is said to be; its size is refused by
//! its header, before anything of that size is asked for; and what goes out is made anew from pixels, so that neither a place
//! and time (EXIF), nor a profile, nor a second file behind the first comes through. A pure function: it knows no disk and no clock.

use image::codecs::jpeg::JpegEncoder;
use image::error::{LimitError, LimitErrorKind};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage, guess_format};
use std::io::Cursor;

/// The most bytes that are read of a picture.
pub const BODY_MAX_BYTES: usize = 512 << 10;
/// Width and height of what is kept.
pub const SIDE: u32 = 384;
/// The largest width and height that is decoded.
pub const SIDE_MAX: u32 = 4_096;
/// The most pixels that are decoded: the camera of a phone, scaled down once.
pub const PIXELS_MAX: u64 = 8 << 20;
/// What a decoder may ask for: eight bits of four colours for each pixel, and a little of its own.
const DECODER_MAX_BYTES: u64 = 40 << 20;
/// The most bytes of a part of a WebP that is no lossy picture: lossless ones, transparency, films, notes.
const LOSSLESS_MAX_BYTES: usize = 128 << 10;
/// Of JPEG: twenty kilobytes of a face, which looks well.
const QUALITY: u8 = 82;
/// What shows where a picture is transparent.
const PAPER: u8 = 255;

/// Why something is no picture to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Its format is one of the three, and it cannot be decoded: damaged, or not whole.
    Broken,
    /// It is whole and would be too large: by its header, before any pixel.
    TooLarge,
    /// It is no JPEG, PNG or WebP.
    Unknown,
}

/// The middle of a picture as a JPEG of [`SIDE`] by [`SIDE`], upright.
///
/// # Errors
/// As [`Wrong`] says.
pub fn square(bytes: &[u8]) -> Result<Vec<u8>, Wrong> {
    let format = match guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => format,
        _ => return Err(Wrong::Unknown),
    };
    let bytes = match format {
        ImageFormat::Jpeg if !is_whole_jpeg(bytes) => return Err(Wrong::Broken),
        ImageFormat::WebP => webp(bytes)?,
        _ => bytes,
    };
    let upright = middle(bytes, format).map_err(|error| match error {
        ImageError::Limits(_) => Wrong::TooLarge,
        _ => Wrong::Broken,
    })?;
    let mut written = Vec::new();
    JpegEncoder::new_with_quality(&mut written, QUALITY).encode_image(&on_paper(&upright)).map_err(|_| Wrong::Broken)?;
    Ok(written)
}

/// Decodes, cuts out, shrinks, turns: the large picture is gone when this returns.
fn middle(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, ImageError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODER_MAX_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > PIXELS_MAX {
        return Err(ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError)));
    }
    if format == ImageFormat::WebP && !webp_frames_fit(bytes, (width, height)) {
        return Err(ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError)));
    }
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    // A picture whose notes are damaged is a picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let whole = DynamicImage::from_decoder(decoder)?;
    let side = width.min(height);
    let cut = whole.crop_imm((width - side) / 2, (height - side) / 2, side, side);
    drop(whole);
    let mut small = cut.resize_exact(SIDE, SIDE, FilterType::Triangle);
    small.apply_orientation(orientation);
    Ok(small)
}

/// The last scan of a JPEG is followed by the mark of its end. The decoder would fill up with grey what is missing.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let last = |mark: [u8; 2]| bytes.windows(2).rposition(|pair| pair == mark);
    matches!((last([0xff, 0xda]), last([0xff, 0xd9])), (Some(scan), Some(end)) if scan < end)
}

/// A WebP without what lies behind it, if each of its parts lies within it (RFC 9649, 2.3): the decoder asks for as much memory as a
/// part says that it is long, and for more than three hundred times as much where a lossless part is made of nothing but tables.
fn webp(bytes: &[u8]) -> Result<&[u8], Wrong> {
    let number = |at: usize| {
        let four = bytes.get(at..at + 4).ok_or(Wrong::Broken)?;
        Ok(u32::from_le_bytes(four.try_into().expect("four bytes")) as usize)
    };
    let whole = bytes.get(..number(4)? + 8).ok_or(Wrong::Broken)?;
    let mut at = 12;
    while at < whole.len() {
        let size = number(at + 4)?;
        let end = at + 8 + size;
        if end > whole.len() {
            return Err(Wrong::Broken);
        }
        if whole[at..at + 4] != *b"VP8 " && size > LOSSLESS_MAX_BYTES {
            return Err(Wrong::TooLarge);
        }
        at = end.next_multiple_of(2);
    }
    Ok(whole)
}

/// Whether no frame of a WebP is larger than the whole: the decoder would make room for the frame before it compares the two. A frame
/// begins with its part's name and length, three bytes, a mark, width and height (RFC 6386, 9.1), wherever it lies.
fn webp_frames_fit(bytes: &[u8], (width, height): (u32, u32)) -> bool {
    let frames = bytes.windows(18).filter(|part| part[..4] == *b"VP8 " && part[11..14] == [0x9d, 0x01, 0x2a]);
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    frames.into_iter().all(|part| side(part[14], part[15]) <= width && side(part[16], part[17]) <= height)
}

/// What lies under transparent pixels is nobody's to see.
fn on_paper(picture: &DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return DynamicImage::ImageRgb8(picture.to_rgb8());
    }
    let seen = picture.to_rgba8();
    let blend = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        ((colour * alpha + u32::from(PAPER) * (255 - alpha) + 127) / 255) as u8
    };
    DynamicImage::ImageRgb8(RgbImage::from_fn(seen.width(), seen.height(), |x, y| {
        let [red, green, blue, alpha] = seen.get_pixel(x, y).0;
        Rgb([red, green, blue].map(|colour| blend(colour, alpha)))
    }))
}

#[cfg(test)]
mod tests;
