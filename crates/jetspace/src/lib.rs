//! Learn physical models through their derivatives.

pub mod report;
