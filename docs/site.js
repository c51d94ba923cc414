// The theme's search is a dialog without a name, which a screen reader would open in silence.
document.querySelector('[data-md-component="search"]').setAttribute("aria-label", "search");
