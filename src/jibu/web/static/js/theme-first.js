// Runs before the first paint, so that a chosen theme does not flash.
(function () {
  try {
    var theme = localStorage.getItem("jibu.theme");
    if (theme === "light" || theme === "dark") document.documentElement.setAttribute("data-theme", theme);
  } catch (error) { /* storage may be closed to the page: the device's theme stays */ }
})();
