for (const slider of document.querySelectorAll(".slider")) {
  const range = slider.querySelector("input");
  range.addEventListener("input", () => slider.style.setProperty("--at", range.value + "%"));
}
