package statsapi

import "github.com/danielgtaylor/huma/v2"

func (a *API) pages(*huma.OpenAPI) {}
