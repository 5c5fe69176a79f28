//! Plots as SVG that follows the page's colours.
