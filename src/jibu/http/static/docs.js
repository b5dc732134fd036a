"use strict";
(() => {
  const form = document.getElementById("token-form");
  const token = document.getElementById("token");
  form.addEventListener("submit", (event) => event.preventDefault());
  const links = document.querySelectorAll("a[data-openapi]");
  const urls = Array.from(links, (link) => ({ url: link.getAttribute("href"), name: link.textContent }));
  window.ui = SwaggerUIBundle({
    ...(urls.length > 1 ? { urls } : { url: urls[0].url }),
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: urls.length > 1 ? "StandaloneLayout" : "BaseLayout",
    requestInterceptor: (request) => {
      if (token.value && new URL(request.url, location.href).origin === location.origin) {
        request.headers.Authorization = `Bearer ${token.value.trim()}`;
      }
      return request;
    },
  });
})();
