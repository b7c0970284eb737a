SwaggerUIBundle({
  url: new URL("openapi.json", location.href).href, // beside this page: the same stage and host
  dom_id: "#swagger-ui",
  supportedSubmitMethods: ["get"],
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // otherwise the document is sent to a validator on the internet
});
