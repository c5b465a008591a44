//! A code that a telephone reads off the terminal.

use qrcode::{Color, EcLevel, QrCode};

use super::Terminal;

/// White around it, in modules. The standard wants four; readers manage with two.
const MARGIN: i32 = 2;

impl Terminal {
    /// `text` as a QR code, two modules a character; `None` for a text that is too long for one.
    pub(crate) fn qr(&self, text: &str) -> Option<String> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let width = i32::try_from(code.width()).ok()?;
        let dark = |x: i32, y: i32| {
            let inside = (0..width).contains(&x) && (0..width).contains(&y);
            let index = usize::try_from(y * width + x).ok().filter(|_| inside);
            index.and_then(|index| code.to_colors().get(index).copied()) == Some(Color::Dark)
        };
        let mut lines = Vec::new();
        for y in (-MARGIN..width + MARGIN).step_by(2) {
            let line: String = (-MARGIN..width + MARGIN)
                .map(|x| match (dark(x, y), dark(x, y + 1)) {
                    // Light is drawn: most terminals are dark.
                    (false, false) => '█',
                    (false, true) => '▀',
                    (true, false) => '▄',
                    (true, true) => ' ',
                })
                .collect();
            // Said outright where it can be: on a light terminal it would be the wrong way round.
            lines.push(self.colour(97, &self.colour(40, &line)));
        }
        Some(lines.join("\n"))
    }
}
