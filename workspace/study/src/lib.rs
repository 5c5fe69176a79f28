//! Estimators and intervals for scaling curves.
