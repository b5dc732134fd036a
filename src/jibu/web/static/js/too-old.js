// Only browsers without modules run this.
document.getElementById("too-old").removeAttribute("hidden");
