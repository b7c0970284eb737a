SwaggerUIBundle({
  url: new URL("openapi.json", location.href).href, // beside this page: the same stage and host
  dom_id: "#swagger-ui",
  supportedSubmitMethods: ["get"],
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  requestInterceptor(request) {
    // the key that the page of figures was given in this tab
    const key = sessionStorage.getItem("api-key");
    if (key) request.headers["x-api-key"] = key;
    return request;
  },
  validatorUrl: null, // otherwise the document is sent to a validator on the internet
});
